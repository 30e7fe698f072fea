"""python -m compiler.ranges: what it prints holds, and is as tight as it says."""

import keras
import numpy as np
import pytest
from models import randomize

from compiler import keras_file, passes, ranges
from compiler.errors import CompileError
from compiler.lowering import lower


def dense(*kernels):
    layers = [keras.layers.Dense(np.shape(kernel)[1], use_bias=False, name=f"d{n}") for n, kernel in enumerate(kernels)]
    model = keras.Sequential([keras.Input((len(kernels[0]),)), *layers])
    for layer, kernel in zip(layers, kernels, strict=True):
        layer.set_weights([np.asarray(kernel, np.float32)])
    return model


def graph_of(model, mode="frame"):
    lowered = passes.run(lower(keras_file.from_model(model), "net"), passes.prepare())
    return passes.run(lowered, passes.simplify(mode))


@pytest.mark.parametrize(
    ("kernels", "lo", "hi", "wanted"),
    [
        ([[[1], [1]]], 0, 1, (0, 2)),
        ([[[-0.5], [1]]], 0, 1, (-0.5, 1)),
        ([np.ones((2, 2)), np.ones((2, 1))], 0, 1, (0, 4)),
        # x + y - (x + y) is 0, which intervals cannot know.
        ([[[1, 1], [1, 1]], [[1], [-1]]], -1, 1, (0, 0)),
    ],
)
def test_linear_layers_are_exact(kernels, lo, hi, wanted):
    found = ranges.ranges(graph_of(dense(*kernels)), lo, hi, tighten=True)
    assert list(found.values())[-1] == pytest.approx(wanted, abs=1e-9)


def test_no_sample_leaves_what_is_proven_and_it_is_tighter(tmp_path):
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, 2)), layers.Conv1D(6, 3, padding="causal", activation="relu")])
    model.add(layers.Conv1D(5, 2, dilation_rate=2, padding="causal", activation="tanh"))
    model.add(layers.Dense(2, name="out"))
    randomize(model)
    graph = graph_of(model, "stream")
    plain, proven = (ranges.ranges(graph, -1, 1, tighten=tighten)["out"] for tighten in (False, True))
    y = model.predict(np.random.default_rng(0).uniform(-1, 1, (50, 64, 2)), verbose=0)
    assert plain[0] - 1e-6 <= proven[0] <= y.min() and y.max() <= proven[1] <= plain[1] + 1e-6
    assert proven[1] - proven[0] < 0.99 * (plain[1] - plain[0])
    path = tmp_path / "net.keras"
    model.save(path)
    page = ranges.describe(keras_file.read(path), -1.0, 1.0, "auto")
    assert f"out: {proven[0]:.6g} to {proven[1]:.6g}" in page


def test_mistakes_are_said():
    spec = keras_file.from_model(dense([[1.0]]))
    for lo, hi in ((1.0, -1.0), (float("nan"), 1.0), (0.0, float("inf"))):
        with pytest.raises(CompileError, match="--input must be two finite numbers"):
            ranges.describe(spec, lo, hi, "auto")
