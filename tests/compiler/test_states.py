"""States of recurrent layers: kept from call to call (stateful), given and given back (initial_state, return_state)."""

import numpy as np
import pytest
from case_tools import library
from models import randomize

import compiler
from compiler import keras_file, passes
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.lowering import lower
from compiler.verification import error

UNITS = 4
LIBRARIES = ("keras", "tf_keras")


def layer_of(layers, kind, **options):
    """A recurrent layer and the number of its states."""
    if kind == "stacked":
        cells = layers.StackedRNNCells([layers.GRUCell(UNITS), layers.SimpleRNNCell(UNITS)])
        return layers.RNN(cells, **options), 2
    return getattr(layers, kind)(UNITS, **options), 2 if kind == "LSTM" else 1


def with_states(name, kind, steps, *, packed=False, **options):
    """A model that takes states beside a sequence and gives them back behind what it computes."""
    keras, layers = library(name)
    x = keras.Input((steps, 3), name="audio")
    layer, count = layer_of(layers, kind, return_state=True, return_sequences=True, **options)
    if packed:
        inputs = [x, keras.Input((count, UNITS), name="past")]
        states = [inputs[1][:, i] for i in range(count)]
    else:
        states = [keras.Input((UNITS,), name=f"state_{i}") for i in range(count)]
        inputs = [x, *states]
    y, *behind = layer(x, initial_state=states)
    if packed:
        behind = [layers.Concatenate(axis=1)([layers.Reshape((1, UNITS))(state) for state in behind])]
    return randomize(keras.Model(inputs, [layers.Dense(2, activation="tanh")(y), *behind]))


def arrays(model, batch, steps=None, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [[batch, *(steps if n is None else n for n in value.shape[1:])] for value in model.inputs]
    return [rng.normal(0, 1, shape).astype(np.float32) for shape in shapes]


def read(model, folder):
    path = folder / "model.h5"
    model.save(path)
    return passes.run(lower(keras_file.read(path), "net"), passes.prepare())


def outputs(graph, xs):
    values = interpreter.evaluate(graph, xs)
    return [values[value.name] for value in graph.outputs]


@pytest.mark.parametrize("steps", [6, 1])
@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM", "stacked"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_frames_take_states_and_give_them(name, kind, steps, tmp_path):
    model = with_states(name, kind, steps, go_backwards=kind == "GRU" and name == "keras")
    xs = arrays(model, 3)
    graph = read(model, tmp_path)
    wanted = [np.asarray(y) for y in model(xs)]
    for form in (graph, passes.run(graph, passes.simplify("frame"))):
        for y, k in zip(outputs(form, xs), wanted, strict=True):
            assert error(y, k) <= 1e-5


@pytest.mark.parametrize("name", LIBRARIES)
def test_both_sides_of_a_bidirectional_layer_begin_from_states(name, tmp_path):
    keras, layers = library(name)
    inputs = [keras.Input((5, 3)), *(keras.Input((UNITS,)) for _ in range(4))]
    layer = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))
    model = randomize(keras.Model(inputs, layer(inputs[0], initial_state=inputs[1:])))
    xs = arrays(model, 2)
    graph = passes.run(read(model, tmp_path), passes.simplify("frame"))
    assert error(outputs(graph, xs)[0], np.asarray(model(xs))) <= 1e-5


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("kind", "steps"), [("GRU", None), ("LSTM", 1), ("LSTM", 6), ("stacked", 1)])
def test_a_stream_keeps_states_whose_loop_closes(kind, steps, packed, tmp_path):
    """It equals Keras called again and again, each time with the states that it gave before."""
    model = with_states("keras", kind, steps, packed=packed)
    streaming = passes.run(read(model, tmp_path), passes.simplify("stream"))
    assert [value.layer for value in streaming.inputs] == ["audio"]
    assert len(streaming.outputs) == 1
    assert all(any(value.name in note for note in streaming.notes) for value in model.inputs[1:])
    (x, *states) = arrays(model, 1, steps=steps or 6)
    states = [np.zeros_like(state) for state in states]
    calls = np.random.default_rng(1).normal(0, 1, (5, *x.shape)).astype(np.float32)
    wanted = []
    for call in calls:
        y, *states = map(np.asarray, model([call, *states]))
        wanted.append(y[0])
    (ours,) = outputs(streaming, [np.concatenate([call[0] for call in calls])])
    assert error(ours, np.concatenate(wanted)) <= 1e-5


@pytest.mark.parametrize("name", LIBRARIES)
def test_states_packed_with_operators_for_a_batch_of_one(name, tmp_path):
    """As streaming denoisers pack the states of several layers into one tensor, the batch among its axes."""
    keras, layers = library(name)
    if name == "keras":
        stack, reshape = keras.ops.stack, keras.ops.reshape
    else:
        import tensorflow as tf

        stack, reshape = tf.stack, tf.reshape
    x, past = keras.Input(batch_shape=(1, 1, 3), name="audio"), keras.Input(batch_shape=(1, 2, UNITS, 2), name="past")
    y, behind = x, ([], [])
    for i in range(2):
        states = [past[:, i, :, k] for k in range(2)]
        y, *ends = layers.LSTM(UNITS, return_sequences=True, return_state=True)(y, initial_state=states)
        for side, end in zip(behind, ends, strict=True):
            side.append(end)
    rows = [reshape(stack(side, axis=0), (1, 2, UNITS)) for side in behind]
    model = randomize(keras.Model([x, past], [layers.Dense(2)(y), stack(rows, axis=-1)]))
    graph = read(model, tmp_path)
    streaming = passes.run(graph, passes.simplify("stream"))
    calls, state = np.random.default_rng(1).normal(0, 1, (6, 1, 1, 3)).astype(np.float32), np.zeros((1, 2, UNITS, 2))
    wanted = []
    for call in calls:
        y, state = (np.asarray(part) for part in model([call, state.astype(np.float32)]))
        wanted.append(y[0])
    (ours,) = outputs(streaming, [calls[:, 0, 0]])
    assert error(ours, np.concatenate(wanted)) <= 1e-5


def test_what_is_stacked_along_the_batch_has_to_be_reshaped(tmp_path):
    keras, layers = library("keras")
    x = keras.Input(batch_shape=(1, 3))
    both = keras.ops.stack([x, layers.Dense(3)(x)], axis=0)
    model = keras.Model(x, keras.ops.reshape(layers.Dense(2, name="on_it")(both), (1, 4)))
    with pytest.raises(CompileError, match=r"layer 'on_it': 'stack.*' stacks along the batch"):
        read(model, tmp_path)


def shuffled(keras, layers, x, h, y, end):
    return [x, h], [y, layers.Concatenate()([end[:, 2:], end[:, :2]])]


def read_twice(keras, layers, x, h, y, end):
    return [x, h], [layers.Add()([y, layers.Reshape((1, UNITS))(h)]), end]


def kept_back(keras, layers, x, h, y, end):
    return [x, h], [y]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (shuffled, "layer 'h': is a state that no output gives back"),
        (kept_back, "layer 'h': is a state that no output gives back"),
        (read_twice, "layer 'h': is a state that '.*' reads as well"),
    ],
)
def test_a_stream_refuses_a_loop_that_does_not_close(change, why, tmp_path):
    keras, layers = library("keras")
    x, h = keras.Input((6, 3), name="x"), keras.Input((UNITS,), name="h")
    y, end = layers.GRU(UNITS, return_sequences=True, return_state=True)(x, initial_state=h)
    model = randomize(keras.Model(*change(keras, layers, x, h, y, end)))
    graph = read(model, tmp_path)
    with pytest.raises(CompileError, match=why) as caught:
        passes.choose_mode(graph, "stream", frames_allowed=True)
    assert "--mode frame" in caught.value.hint
    assert passes.choose_mode(graph, "auto", frames_allowed=True)[0] == "frame"


def stateful(name, steps, batch=1, **options):
    keras, layers = library(name)
    shape = {"batch_shape" if name == "keras" else "batch_input_shape": (batch, steps, 3)}
    first = layers.InputLayer(**shape)
    model = keras.Sequential([first, layers.LSTM(UNITS, stateful=True, **options), layers.Dense(2)])
    return randomize(model)


@pytest.mark.parametrize(("steps", "sequences"), [(None, True), (5, True), (1, True), (1, False)])
@pytest.mark.parametrize("name", LIBRARIES)
def test_stateful_layers_stream_as_keras_called_again_and_again(name, steps, sequences, tmp_path):
    model = stateful(name, steps, return_sequences=sequences)
    streaming = passes.run(read(model, tmp_path), passes.simplify("stream"))
    calls = np.random.default_rng(1).normal(0, 1, (6, 1, steps or 5, 3)).astype(np.float32)
    wanted = [np.asarray(model(call))[0] for call in calls]
    x = np.concatenate(calls[:, 0]) if sequences else calls[:, 0]
    wanted = np.concatenate(wanted) if sequences else np.stack(wanted)
    assert error(outputs(streaming, [x])[0], wanted) <= 1e-5


def test_a_stateful_layer_over_whole_windows_is_refused(tmp_path):
    graph = read(stateful("keras", 5, return_sequences=False), tmp_path)
    with pytest.raises(CompileError, match="its states pass from one window to the next") as caught:
        passes.choose_mode(graph, "auto", frames_allowed=True)
    assert "stateful=False" in caught.value.hint


@pytest.mark.parametrize("kind", ["a stream of calls", "frames with states"])
def test_in_c(kind, tmp_path):
    model = (
        stateful("keras", 1, return_sequences=False) if kind == "a stream of calls" else with_states("keras", "LSTM", 4)
    )
    model.save(tmp_path / "model.keras")
    build = compiler.compile(
        tmp_path / "model.keras", "mcu", out=tmp_path / "build", mode="auto" if "calls" in kind else "frame"
    )
    xs = arrays(model, 6, seed=3)
    y, exact = (build.run(xs if len(xs) > 1 else xs[0], on=on) for on in ("host", "reference"))
    pairs = [(y[key], exact[key]) for key in exact] if isinstance(exact, dict) else [(y, exact)]
    for ours, wanted in pairs:
        assert error(ours, wanted) <= 1e-5
    if kind == "frames with states":
        for k, wanted in zip(model(xs), exact.values(), strict=True):
            assert error(np.asarray(k), wanted) <= 1e-5
