"""Masking and mask_zero: recurrent layers pass over steps that do not count, as Keras has it, in both file families."""

import numpy as np
import pytest
from case_tools import library
from models import randomize

import compiler
from compiler import keras_file, passes
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.lowering import lower
from compiler.passes.stream import stream
from compiler.verification import error

STEPS = 9
# Layers behind a mask, each a list from a library's layers.
BEHIND = {
    "GRU": lambda k: [k.GRU(4, return_sequences=True)],
    "LSTM, last": lambda k: [k.LSTM(4)],
    "SimpleRNN, backwards": lambda k: [k.SimpleRNN(4, return_sequences=True, go_backwards=True)],
    "one behind another": lambda k: [k.GRU(4, return_sequences=True), k.Dropout(0.5), k.LSTM(3, return_sequences=True)],
    "through others": lambda k: [k.Dense(4), k.LeakyReLU(), k.BatchNormalization(), k.GRU(4, return_sequences=True)],
    "both ways": lambda k: [k.Bidirectional(k.GRU(4, return_sequences=True))],
    "both ways, last": lambda k: [k.Bidirectional(k.LSTM(4), merge_mode="sum")],
    "stacked": lambda k: [k.RNN(k.StackedRNNCells([k.GRUCell(4), k.LSTMCell(2)]), return_sequences=True)],
    "mean": lambda k: [k.LSTM(4, return_sequences=True), k.GlobalAveragePooling1D()],
    "lost": lambda k: [k.Conv1D(4, 2, padding="causal"), k.GRU(4, return_sequences=True)],
    "lost without a change": lambda k: [k.Reshape((STEPS, 3)), k.GRU(4, return_sequences=True)],
}
STREAMING = {"GRU", "one behind another", "through others", "stacked", "lost", "lost without a change"}


def sequences(seed=0):
    """Sequences with steps that do not count: at the beginning, in the middle, at the end; one with all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (4, STEPS, 3)).astype(np.float32)
    for row, steps in enumerate(([0, 1, 5], [3, 8], [7, 8], [])):
        x[row, steps] = 0.25
    x[3, :, 0] = 0.25
    return x


def masked(name, behind, *, sequential):
    keras, layers = library(name)
    chain = [layers.Masking(0.25), *BEHIND[behind](layers)]
    if sequential:
        return randomize(keras.Sequential([keras.Input((STEPS, 3)), *chain]))
    x = inputs = keras.Input((STEPS, 3))
    for layer in chain:
        x = layer(x)
    return randomize(keras.Model(inputs, x))


def read(model, path):
    model.save(path)
    return lower(keras_file.read(path), "net")


@pytest.mark.filterwarnings("ignore:.*destroy the mask information:UserWarning")
@pytest.mark.parametrize(
    ("name", "behind", "sequential"),
    [
        *(("keras", behind, True) for behind in sorted(BEHIND)),
        *(("tf_keras", behind, True) for behind in ("GRU", "LSTM, last", "through others", "both ways", "lost")),
        *(("keras", behind, False) for behind in ("one behind another", "through others", "both ways", "mean")),
        ("tf_keras", "mean", False),
    ],
)
def test_equals_keras(name, behind, sequential, tmp_path):
    model, x = masked(name, behind, sequential=sequential), sequences()
    graph = read(model, tmp_path / ("model.keras" if behind == "GRU" else "model.h5"))
    wanted = np.asarray(model(x))
    assert error(interpreter.run(graph, x), wanted) <= 1e-5
    if behind in STREAMING:
        streaming = passes.run(stream(passes.run(graph, passes.prepare())), [])
        for sequence, k in zip(x, wanted, strict=True):
            assert error(interpreter.run(streaming, sequence), k) <= 1e-5


@pytest.mark.filterwarnings("ignore:.*destroy the mask information:UserWarning")
@pytest.mark.parametrize("sequential", [True, False], ids=["sequential", "functional"])
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_a_model_within_reads_the_mask_of_its_input(name, sequential, tmp_path):
    keras, layers = library(name)
    i = keras.Input((STEPS, 3))
    inner = keras.Model(i, layers.GRU(4, return_sequences=True)(layers.Dense(3)(i)))
    chain = [layers.Masking(0.25), inner, layers.LSTM(2)]
    if sequential:
        model = keras.Sequential([keras.Input((STEPS, 3)), *chain])
    else:
        x = inputs = keras.Input((STEPS, 3))
        for layer in chain:
            x = layer(x)
        model = keras.Model(inputs, x)
    randomize(model)
    graph, x = read(model, tmp_path / "model.h5"), sequences()
    assert error(interpreter.run(graph, x), np.asarray(model(x))) <= 1e-5


@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_an_embedding_masks_zeros(name, tmp_path):
    keras, layers = library(name)
    model = keras.Sequential([keras.Input((STEPS,)), layers.Embedding(7, 3, mask_zero=True), layers.LSTM(4)])
    tokens = np.random.default_rng(0).integers(0, 3, (5, STEPS)).astype(np.float32)
    graph = read(randomize(model), tmp_path / "model.h5")
    assert error(interpreter.run(graph, tokens), np.asarray(model(tokens))) <= 1e-5


@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_a_masked_layer_that_begins_from_states_gives_zeros_until_a_step_counts(name, tmp_path):
    keras, layers = library(name)
    x, state = keras.Input((STEPS, 3)), keras.Input((4,))
    y = layers.GRU(4, return_sequences=True, return_state=True)(layers.Masking(0.25)(x), initial_state=state)
    model = randomize(keras.Model([x, state], y))
    xs = [sequences(), np.random.default_rng(1).normal(0, 1, (4, 4)).astype(np.float32)]
    graph = passes.run(read(model, tmp_path / "model.h5"), passes.simplify("frame"))
    values = interpreter.evaluate(graph, xs)
    for output, k in zip(graph.outputs, model(xs), strict=True):
        assert error(values[output.name], np.asarray(k)) <= 1e-5


def test_a_mask_that_nobody_follows_is_refused(tmp_path):
    keras, layers = library("tf_keras")
    x = inputs = keras.Input((STEPS, 3))
    a, b = layers.Masking()(x), layers.Masking(1.0)(x)
    model = keras.Model(inputs, layers.GRU(4, name="gru")(layers.Add()([a, b])))
    with pytest.raises(CompileError, match="layer 'gru': it would read a mask behind layers that make another of it"):
        read(model, tmp_path / "model.h5")


@pytest.mark.parametrize("class_name", ["Attention", "TimeDistributed"])
def test_a_mask_that_nobody_reads_here_is_refused(class_name, tmp_path):
    keras, layers = library("tf_keras")
    x = inputs = keras.Input((STEPS, 3))
    x = layers.Masking()(x)
    if class_name == "Attention":
        y = layers.Attention(name="reader")([x, x])
    else:
        y = layers.TimeDistributed(layers.Softmax(), name="reader")(x)
    with pytest.raises(CompileError, match="layer 'reader': it would read a mask"):
        read(keras.Model(inputs, y), tmp_path / "model.h5")


@pytest.mark.parametrize("behind", ["one behind another", "both ways"])
def test_in_c(behind, tmp_path):
    masked("keras", behind, sequential=True).save(tmp_path / "model.keras")
    build = compiler.compile(tmp_path / "model.keras", "mcu", out=tmp_path / "build")
    for x in (sequences()[0], sequences()[3]):
        assert error(build.run(x, on="host"), build.run(x)) <= 1e-5
