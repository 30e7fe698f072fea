"""The trained QKeras WaveNet: interpreter = C = Verilog to the last bit, and how QKeras' float32 differs from them."""

import numpy as np
import pytest

import compiler
from compiler.fpga.stages import stages
from compiler.ir import interpreter, numerics
from compiler.verification import stimulus

SAMPLES = 2000


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A WaveNet trained for long enough that its weights are no longer the initialiser's."""
    from zoo.wavenet.experiment import train
    from zoo.wavenet.recipe import Recipe

    out = tmp_path_factory.mktemp("trained")
    recipe = Recipe(epochs=1, batches=60)
    return train(quantized=True, out=out, recipe=recipe, report=lambda line: None)


@pytest.fixture(scope="module")
def builds(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("builds")
    path = trained.files["wavenet.h5"]
    return {
        "mcu": compiler.compile(path, "mcu", out=out / "mcu", numbers="fixed"),
        "fpga": compiler.compile(path, "fpga", out=out / "fpga", sample_rate_hz=192_000),
    }


@pytest.fixture(scope="module")
def noise():
    from zoo.wavenet.waves import corner_waves

    x, _ = corner_waves(SAMPLES, 440.0, quantized=True)
    rng = np.random.default_rng(0)
    return np.concatenate([x[:, : SAMPLES // 5].reshape(-1, 4), rng.uniform(-1, 1, (SAMPLES // 5, 4))]).astype(
        np.float32
    )


def test_interpreter_c_and_verilog_are_equal(builds, noise):
    for build in builds.values():
        x = np.concatenate([stimulus(build, SAMPLES, seed=3)[0], build.quantize(noise)])
        wanted = build.run(x, raw=True)
        for on in ("host", "emulator") if build.target == "mcu" else ("rtl",):
            assert np.array_equal(build.run(x, on=on, raw=True), wanted), on
    assert np.array_equal(builds["mcu"].run(noise), builds["fpga"].run(noise))


def test_qkeras_predicts_almost_the_same(trained, builds, noise):
    wanted = trained.model.predict(noise[None], verbose=0)[0]
    steps = np.abs(builds["mcu"].run(noise) - wanted) * 4096
    assert np.mean(steps == 0) >= 0.99
    assert steps.max() <= 2


def differing(stage, x, seen):
    """How many outputs of QKeras' layer differ from the exact ones on its own inputs, and the worst of them:
    its distance to a rounding tie over the error that float32 may make there."""
    from compiler.ir.values import State

    past = State("past", stage.source, (stage.taps - 1) * stage.dilation, stage.initial)
    rows = interpreter.windows(x, past, stage.taps, stage.dilation).reshape(len(x), -1)
    weights = stage.weights << stage.sum_shift
    sums = rows @ weights + stage.bias
    op = stage.requantize
    exact = numerics.requantize(sums, op.shift, op.rounding, op.lo, op.hi)
    at = np.nonzero(exact != seen)
    if not len(at[0]):
        return 0, 0.0
    scale = 2.0 ** -(stage.output.format.fraction + op.shift)
    to_tie = np.abs((sums % (1 << op.shift)) - (1 << op.shift >> 1))[at] * scale
    terms = len(stage.weights) + 1
    magnitude = (np.abs(rows) @ np.abs(weights) + np.abs(stage.bias))[at] * scale
    assert np.abs(exact - seen).max() <= 1
    return len(at[0]), float((to_tie / (terms * 2.0**-24 * magnitude)).max())


def qkeras_layers(model, noise):
    """The integers behind every quantised layer of QKeras, by the layer's name."""
    from zoo.wavenet.quantized.legacy_keras import tf_keras

    every = tf_keras.Model(model.inputs, [layer.output for layer in model.layers])
    outputs = every.predict(noise[None], verbose=0)
    return {layer.name: y[0] * 4096.0 for layer, y in zip(model.layers, outputs, strict=True)}


def test_every_difference_is_at_a_rounding_tie(trained, builds):
    # One value in 4,096 lies on a tie, and only sums beyond 1 lose bits in float32: long, and over the full range.
    x = np.random.default_rng(1).uniform(-8, 8, (20_000, 4)).astype(np.float32)
    values = qkeras_layers(trained.model, x)
    chain = stages(builds["fpga"].graph)
    source = builds["fpga"].quantize(x)
    total = 0
    for stage in chain:
        seen = values[stage.output.layer]
        assert np.array_equal(seen, np.rint(seen))
        count, worst = differing(stage, source, seen.astype(np.int64))
        assert worst <= 1.0, stage.layer
        total += count
        source = seen.astype(np.int64)
    assert total, "no value near a tie differed: the test looked at nothing"


def test_a_wrong_rounding_would_be_seen(trained, builds):
    """The same comparison with one value moved by a step away from any tie must not pass."""
    x = np.random.default_rng(2).uniform(-1, 1, (500, 4)).astype(np.float32)
    stage = stages(builds["fpga"].graph)[0]
    seen = qkeras_layers(trained.model, x)[stage.output.layer].astype(np.int64)
    seen[100, 0] += 1
    count, worst = differing(stage, builds["fpga"].quantize(x), seen)
    assert count >= 1
    assert worst > 1.0
