"""Models whose input has no time axis: in streams, each vector is a sample by itself."""

import model_files
import numpy as np
import pytest

import compiler
from compiler.errors import CompileError
from compiler.verification import verify


def perceptron(folder, quantized=False):
    """Two dense layers on vectors of 5 numbers, with a batch normalisation between."""
    rng = np.random.default_rng(0)
    how = {"kernel_quantizer": "quantized_bits(8, 1, alpha=1)"} if quantized else {}
    first = model_files.dense(rng.normal(0, 0.4, (5, 6)), rng.normal(0, 0.3, 6), **how)
    norm = model_files.norm(*rng.uniform(0.5, 1.5, (4, 6)))
    last = model_files.dense(rng.normal(0, 0.4, (6, 3)), rng.normal(0, 0.3, 3), **how)
    layers = [first, norm, model_files.relu(), last]
    if quantized:
        grids = [model_files.grid(f"quantized_bits({bits}, 2, alpha=1)") for bits in (12, 10, 16)]
        layers = [grids[0], first, model_files.relu(), grids[1], last, grids[2]]
    return model_files.write(folder / "mlp.h5", (5,), *layers)


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("target", ["mcu", "fpga"])
def test_vectors_are_samples_in_fixed_point(target, quantized, tmp_path):
    build = compiler.compile(
        perceptron(tmp_path, quantized), target, numbers="fixed", mode="stream", out=tmp_path / "build"
    )
    assert build.streams
    assert build.graph.receptive_field == 1
    x = np.random.default_rng(1).uniform(-1, 1, (40, 5))
    y = build.run(x, "host" if target == "mcu" else "rtl")
    assert y.shape == (40, 3)
    assert np.array_equal(y, build.run(x))
    # What came before makes no difference.
    assert np.array_equal(build.run(x[::-1]), y[::-1])
    floats = compiler.compile(perceptron(tmp_path, quantized), "mcu", out=tmp_path / "floats")
    assert not floats.streams
    assert np.abs(y - floats.run(x)).max() < 2e-3
    assert all(check.passed for check in verify(build, samples=40))
    if target == "mcu":  # where frames, which they are as well, come to the same bits
        frames = compiler.compile(perceptron(tmp_path, quantized), "mcu", numbers="fixed", out=tmp_path / "frames")
        assert not frames.streams
        assert np.array_equal(frames.run(x, "host"), y)


def test_vectors_stream_in_floating_point_where_that_is_asked_for(tmp_path):
    streams, frames = (
        compiler.compile(perceptron(tmp_path), "mcu", mode=mode, out=tmp_path / mode) for mode in ("stream", "auto")
    )
    assert (streams.report["mode"], frames.report["mode"]) == ("stream", "frame")
    x = np.random.default_rng(1).uniform(-1, 1, (40, 5)).astype(np.float32)
    assert np.array_equal(streams.run(x, "host"), frames.run(x, "host"))


def test_a_vector_that_becomes_a_sequence_is_refused_by_name(tmp_path):
    layers = [
        model_files.Entry("Reshape", {"target_shape": [5, 1]}),
        model_files.conv(np.ones((2, 1, 1)), [0.0]),
    ]
    model = model_files.write(tmp_path / "net.h5", (5,), *layers)
    with pytest.raises(
        CompileError, match="layer 'layer_2': does not stream: it is a convolution, of what does not come"
    ):
        compiler.compile(model, "fpga", out=tmp_path / "build")
