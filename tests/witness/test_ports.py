"""Fixed point with several inputs, knobs among them, and several outputs: C, board and interpreter are the witness."""

import numpy as np
import pytest
from integer_program import Program

import compiler
from compiler import verification
from compiler.errors import CompileError
from compiler.ir.movement import Repeat

SAMPLES = 60


def knobbed(keras, seed):
    """A gated network with one knob input or two inputs of samples, and two outputs."""
    random = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    layers, channels = keras.layers, int(random.integers(2, 6))
    audio = keras.Input((None, 2), name="audio")
    x = layers.Conv1D(channels, 3, padding="causal", dilation_rate=int(random.integers(1, 4)))(audio)
    if seed % 2:
        other = keras.Input((3,), name="knobs")
        gate = layers.Reshape((1, channels))(layers.Dense(channels, activation="sigmoid")(other))
    else:
        other = keras.Input((None, 3), name="side")
        gate = layers.Conv1D(channels, 2, padding="causal", activation="sigmoid")(other)
    gated = layers.Multiply()([layers.Activation("tanh")(x), gate])
    first = layers.Dense(2, name="first")(gated)
    sums = [gated, x] if seed < 4 else [layers.Dense(1)(gated), x]  # one number for all channels
    second = (layers.Subtract if seed == 5 else layers.Add)(name="second")(sums)
    return keras.Model([audio, other], [first, second])


def streams(build, seed):
    """Integers for each input; a control has one for all."""
    random = np.random.default_rng([seed, 1])
    found = {}
    for value in build.graph.inputs:
        shape = (value.size,) if value.name in build.graph.controls else (SAMPLES, value.size)
        found[value.name] = random.integers(value.format.lo, value.format.hi + 1, shape)
    return found


def witnessed(build, inputs):
    """What the integer program makes of them."""
    full = {name: (np.tile(x, (SAMPLES, 1)) if x.ndim == 1 else x).tolist() for name, x in inputs.items()}
    every = Program(build.folder).every(full)
    named = zip(build.graph.output_names, build.graph.outputs, strict=True)
    return {key: np.array(every[value.name]) for key, value in named}


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    import keras

    folder = tmp_path_factory.mktemp("ports")
    return [
        compiler.compile(knobbed(keras, seed), "mcu", out=folder / str(seed), name=f"net_{seed}", numbers="fixed")
        for seed in range(6)
    ]


@pytest.mark.parametrize("on", ["reference", "host", "emulator"])
def test_every_output_is_that_of_the_integer_program(builds, on):
    for seed, build in enumerate(builds[:2] if on == "emulator" else builds):
        inputs = streams(build, seed)
        wanted, got = witnessed(build, inputs), build.run(inputs, on, raw=True)
        assert wanted.keys() == got.keys() and len(got) == 2
        for key, y in wanted.items():
            assert np.array_equal(got[key], y), (build.name, key)
            assert len(np.unique(y)) > 20, "too little to tell right from wrong"


def test_a_knob_counts(builds):
    build = builds[1]
    inputs = streams(build, 1)
    (knobs,) = build.graph.controls
    moved = {**inputs, knobs: -1 - inputs[knobs]}
    for before, after in zip(build.run(inputs, raw=True).values(), build.run(moved, raw=True).values(), strict=True):
        assert not np.array_equal(before, after)


def test_each_port_has_a_format_of_its_own(builds):
    for build in builds:
        header = (build.folder / f"{build.name}.h").read_text()
        fractions = [value.format.fraction for value in build.graph.outputs]
        lines = [line for line in header.splitlines() if "OUT_FRACTION" in line]
        if len(set(fractions)) == 1:
            assert lines == [f"#define {build.name.upper()}_OUT_FRACTION {fractions[0]}"]
        else:
            assert lines == [f"#define {build.name.upper()}_OUT_FRACTION_{n} {f}" for n, f in enumerate(fractions)]
        assert build.report["snr_db"] > 55
    assert any(len({value.format.fraction for value in build.graph.outputs}) > 1 for build in builds)


def test_what_is_repeated_in_a_sum_is_spread_out(builds):
    for build in builds:
        spread = [op for op in build.graph.ops if isinstance(op, Repeat)]
        assert len(spread) == (build.name in ("net_4", "net_5"))


def test_verification_drives_every_port(builds):
    checks = list(verification.verify(builds[1], samples=300))
    assert checks and all(check.passed for check in checks) and builds[1].report["bit_exact"] is True


def test_the_fpga_says_that_it_takes_one_of_each(tmp_path):
    import keras

    with pytest.raises(CompileError, match="more than one input or output"):
        compiler.compile(knobbed(keras, 1), "fpga", out=tmp_path / "build")
    assert not (tmp_path / "build").exists()
