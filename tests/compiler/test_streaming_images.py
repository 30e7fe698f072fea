"""Convolutions over (time, width, channels) that are one-dimensional in truth stream, at the cost of 1-D ones."""

from importlib import import_module

import numpy as np
import pytest
from models import randomize

from compiler import keras_file, passes
from compiler.ir import interpreter
from compiler.ir.ops import Affine, MatMul, Reshape
from compiler.lowering import lower
from compiler.verification import error


def spotter(layers, keras, *, wide):
    """A keyword spotter: separable convolutions, batch normalisations, a residual, padded in time by hand."""
    x = inputs = keras.Input((None, 1, 8) if wide else (None, 8))
    if wide:
        convolution, separable, taps = layers.Conv2D, layers.SeparableConv2D, (3, 1)
        pad = [layers.ZeroPadding2D(((2, 0), (0, 0))) for _ in range(3)]
    else:
        convolution, separable, taps = layers.Conv1D, layers.SeparableConv1D, 3
        pad = [layers.ZeroPadding1D((2, 0)) for _ in range(3)]
    x = layers.ReLU()(layers.BatchNormalization()(convolution(6, taps)(pad[0](x))))
    for number in (1, 2):
        y = layers.BatchNormalization()(separable(6, taps)(pad[number](x)))
        x = layers.Activation("relu")(layers.Add()([x, y]))
    if wide:
        x = layers.Reshape((-1, 6))(x)
    return randomize(keras.Model(inputs, layers.Dense(4, activation="softmax")(x)))


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_spotter_of_width_one_streams_as_its_one_dimensional_twin(library, tmp_path):
    keras = import_module(library)
    graphs = []
    wide, plain = (spotter(keras.layers, keras, wide=wide) for wide in (True, False))
    plain.set_weights([w.reshape(v.shape) for w, v in zip(wide.get_weights(), plain.get_weights(), strict=True)])
    for model in (wide, plain):
        model.save(tmp_path / "model.h5")
        graphs.append(passes.run(lower(keras_file.read(tmp_path / "model.h5"), "net"), passes.simplify("stream")))
    x = np.random.default_rng(0).normal(0, 1, (40, 1, 8)).astype(np.float32)
    ours, twin = interpreter.run(graphs[0], x), interpreter.run(graphs[1], x[:, 0])
    assert np.abs(ours - twin).max() <= 1e-12
    assert error(ours, np.asarray(wide(x[None]))[0]) <= 1e-5
    assert graphs[0].macs == graphs[1].macs
    counts = [[sum(isinstance(op, kind) for op in graph.ops) for kind in (MatMul, Affine)] for graph in graphs]
    assert counts[0] == counts[1], "the batch normalisations are folded"
    assert sum(isinstance(op, Reshape) for op in graphs[0].ops) <= 8
