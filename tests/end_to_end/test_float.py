"""Keras = C on this machine = C on the emulated Cortex-M7, from the very first sample."""

import numpy as np
import pytest
from models import conv_net

import compiler
from compiler.verification import TOLERANCE, error

SAMPLES = 2000


def noise(channels, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (SAMPLES, channels)).astype(np.float32)


@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
def test_convolutions_with_and_without_batch_norm(taps, dilation, tmp_path):
    x = noise(3, seed=taps)
    for norm in ("none", "before", "after", "both"):
        model = conv_net(taps, dilation, norm)
        model.save(tmp_path / "net.h5")
        wanted = model.predict(x[None], verbose=0)[0]
        build = compiler.compile(tmp_path / "net.h5", "mcu", out=tmp_path / norm)
        for on in ("host", "emulator"):
            got = build.run(x, on=on)
            assert error(got, wanted) <= TOLERANCE, (norm, on)
            # By itself: a wrong start would drown in a maximum over the whole window.
            assert error(got[:80], wanted[:80]) <= TOLERANCE, (norm, on)


@pytest.mark.parametrize("kernels", ["cmsis", "c", "cortex-m7"])
def test_every_layer_in_every_block_length(kernels, files, float_model, tmp_path):
    build = compiler.compile(files["float.h5"], "mcu", out=tmp_path / "build", kernels=kernels)
    x = noise(3)
    wanted = float_model.predict(x[None], verbose=0)[0]
    from compiler.mcu.target import MCU

    results = [MCU.execute(build.folder, build.graph, [x], "host", blocks=blocks) for blocks in (1, 3, 64, 2000)]
    outputs = [np.asarray(result.values[build.graph.outputs[0].name]) for result in results]
    assert error(outputs[0], wanted) <= TOLERANCE
    assert all(np.array_equal(outputs[0], other) for other in outputs[1:])


def test_a_batch_is_so_many_streams_from_reset(files, tmp_path):
    build = compiler.compile(files["float.h5"], "mcu", out=tmp_path / "build")
    x = np.stack([noise(3, seed)[:100] for seed in (1, 2)])
    together = build.run(x, on="host")
    assert together.shape == (2, 100, 2)
    assert np.array_equal(together[1], build.run(x[1], on="host"))
