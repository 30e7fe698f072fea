"""The passes on graphs that branch, repeat themselves and carry dead weight; and the page that inspect prints."""

import numpy as np
import pytest
from models import randomize

from compiler import keras_file, passes
from compiler.errors import CompileError
from compiler.inspect import describe
from compiler.ir import interpreter
from compiler.ir.ops import Constant, Convolution, Window
from compiler.lowering import lower
from compiler.verification import error


def lowered(model):
    return passes.run(lower(keras_file.from_model(model), "net"), passes.prepare())


def noise(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def gated(dilations=(2, 2)):
    """tanh(conv a) * sigmoid(conv b) with a residual sum."""
    import keras

    layers = keras.layers
    x = keras.Input((None, 3), name="audio")
    a, b = (
        layers.Conv1D(3, 2, padding="causal", dilation_rate=d, activation=f, name=f)(x)
        for f, d in zip(("tanh", "sigmoid"), dilations, strict=True)
    )
    return randomize(keras.Model(x, layers.Add()([x, layers.Multiply()([a, b])])))


def test_branches_over_one_value_share_its_state():
    graph = passes.run(lowered(gated((2, 5))), passes.simplify("stream"))
    (state,) = graph.states
    assert state.length == 5
    assert len([op for op in graph.ops if isinstance(op, Window)]) == 2


def test_equal_windows_are_one():
    model = gated((2, 2))
    graph = passes.run(lowered(model), passes.simplify("stream"))
    assert len([op for op in graph.ops if isinstance(op, Window)]) == 1
    x = noise(30, 3)
    assert error(interpreter.run(graph, x), np.asarray(model(x[None]))[0]) < 1e-5


def test_constants_are_computed_once():
    import keras

    x = keras.Input((None, 2), name="audio")
    model = keras.Model(x, x * 0.5 + 0.25)
    graph = passes.run(lowered(model), passes.simplify("stream"))
    constants = {op.output.name for op in graph.ops if isinstance(op, Constant)}
    assert not [op for op in graph.ops if op.inputs and all(value.name in constants for value in op.inputs)]
    assert error(interpreter.run(graph, noise(9, 2)), 0.5 * noise(9, 2) + 0.25) < 1e-6


@pytest.mark.parametrize(
    "length,taps,dilation,left", [(1, 5, 1, 1), (1, 4, 1, 1), (2, 5, 1, 3), (4, 3, 7, 1), (9, 3, 2, 3)]
)
def test_taps_that_only_see_padding_go(length, taps, dilation, left):
    import keras

    x = keras.Input((length, 2), name="frame")
    model = randomize(keras.Model(x, keras.layers.Conv1D(3, taps, padding="same", dilation_rate=dilation)(x)))
    graph = lowered(model)
    cut = passes.run(graph, passes.simplify("frame"))
    (kernel,) = [op.kernel for op in cut.ops if isinstance(op, Convolution)]
    assert len(kernel) == left
    frame = noise(length, 2)
    assert error(interpreter.run(cut, frame), np.asarray(model(frame[None]))[0]) < 1e-5


def test_branches_of_unequal_warm_up_meet_at_the_latest_sample():
    import keras

    layers = keras.layers
    x = keras.Input((40, 2), name="audio")
    late = layers.Conv1D(3, 4, dilation_rate=3, name="late")(x)
    soon = layers.Cropping1D((9, 0))(layers.Dense(3, name="soon")(x))
    model = randomize(keras.Model(x, layers.Add()([late, soon])))
    graph = passes.run(lowered(model), passes.simplify("stream"))
    assert graph.warm_up == 9
    audio = noise(40, 2)
    assert error(interpreter.run(graph, audio)[9:], np.asarray(model(audio[None]))[0]) < 1e-5


def test_an_earlier_crop_makes_a_branch_wait():
    import keras

    layers = keras.layers
    x = keras.Input((40, 2), name="audio")
    late = layers.Conv1D(2, 6, name="late")(x)
    shifted = layers.Cropping1D((2, 0))(layers.ZeroPadding1D((2, 0))(x))
    model = randomize(keras.Model(x, layers.Add()([late, layers.Cropping1D((5, 0))(shifted)])))
    graph = passes.run(lowered(model), passes.simplify("stream"))
    audio = noise(40, 2)
    assert error(interpreter.run(graph, audio)[graph.warm_up :], np.asarray(model(audio[None]))[0]) < 1e-5


def test_two_crops_of_one_value_count_apart():
    import keras

    layers = keras.layers
    x = keras.Input((30, 2), name="audio")
    crops = [layers.Cropping1D((n, 0), name=f"crop_{n}")(x) for n in (1, 3)]
    again = layers.Cropping1D((2, 0), name="again")(crops[0])
    model = randomize(keras.Model(x, layers.Concatenate()([again, layers.Dense(2)(crops[1])])))
    graph = passes.run(lowered(model), passes.simplify("stream"))
    assert graph.warm_up == 3
    assert not graph.states
    audio = noise(30, 2)
    assert error(interpreter.run(graph, audio)[3:], np.asarray(model(audio[None]))[0]) < 1e-5


def test_mode_falls_back_with_the_reason_or_refuses():
    import keras

    def model(length):
        x = keras.Input((length, 2), name="audio")
        return keras.Model(x, keras.layers.Conv1D(2, 3, padding="same", name="ahead")(x))

    mode, note = passes.choose_mode(lowered(model(8)), "auto", frames_allowed=True)
    assert mode == "frame"
    assert "'ahead'" in note
    assert "padding='same'" in note
    for graph, wanted, frames in ((lowered(model(None)), "auto", True), (lowered(model(8)), "stream", True)):
        with pytest.raises(CompileError, match="padding='same'") as caught:
            passes.choose_mode(graph, wanted, frames_allowed=frames)
        assert caught.value.layer == "ahead"
    with pytest.raises(CompileError, match="known length"):
        passes.choose_mode(lowered(model(None)), "frame", frames_allowed=True)
    with pytest.raises(CompileError, match="streams only"):
        passes.choose_mode(lowered(model(8)), "frame", frames_allowed=False)


def test_inspect_reads_what_does_not_compile(files, tmp_path):
    import h5py

    page = describe(keras_file.read(files["float.h5"]))
    assert "mode: stream" in page
    assert "receptive field: 19 samples" in page
    path = tmp_path / "strange.h5"
    path.write_bytes(files["float.h5"].read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace(
            '"class_name": "ReLU"', '"class_name": "Mystery"'
        )
    page = describe(keras_file.read(path))
    assert "no: a layer of class 'Mystery' is not supported" in page
    assert "does not compile" in page
    assert page.count("\n") > 10
