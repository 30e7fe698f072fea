"""Every layer and attribute of the table: lowered, it equals Keras; and it streams, or says that it does not."""

import numpy as np
import pytest
from layer_cases import CASES
from models import randomize
from support_table import FIXED_ON_MCU, FIXED_POINT, JOINS, STREAMS, by_class, support_table

from compiler import inspect, keras_file
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.verifier import verify
from compiler.lowering import TABLE, lower, noop
from compiler.passes.stream import is_timeless, stream
from compiler.pipeline import Finished
from compiler.targets import TARGETS
from compiler.verification import error

# QKeras makes its initialisers without seeds, and uses them twice.
pytestmark = pytest.mark.filterwarnings("ignore:The initializer .* is unseeded:UserWarning")


def outputs(graph, inputs):
    """Of every output (steps, *shape), in float64."""
    values = interpreter.evaluate(graph, inputs)
    return [values[value.name] for value in graph.outputs]


def keras_outputs(model, inputs):
    y = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(part) for part in (y if isinstance(y, list | tuple) else [y])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_equals_keras(case, tmp_path):
    model, inputs = case.model(), case.inputs()
    path = tmp_path / f"model.{case.suffix}"
    model.save(path)
    graph = lower(keras_file.read(path), "net")
    verify(graph, "lowered")
    wanted = keras_outputs(model, inputs)
    frames = outputs(graph, inputs)
    assert [y.shape for y in frames] == [y.shape for y in wanted]
    for y, k in zip(frames, wanted, strict=True):
        assert error(y, k) <= 1e-5
    if case.mode == "F" and is_timeless(graph):
        # Each frame is a sample of a stream.
        streaming = stream(graph)
        verify(streaming, "stream")
        for y, frame in zip(outputs(streaming, inputs), frames, strict=True):
            assert np.array_equal(y, frame)
        return
    if case.mode == "F":
        with pytest.raises(CompileError, match=r"does not stream|no time axis"):
            stream(graph)
        return
    streaming = stream(graph)
    verify(streaming, "stream")
    for index in range(len(inputs[0])):
        samples = outputs(streaming, [x[index] for x in inputs])
        for y, frame in zip(samples, frames, strict=True):
            # What Keras would not give comes first; from there on every sample is the frame's.
            assert error(y[streaming.warm_up :], frame[index]) <= 1e-12


def test_the_table_of_cases_covers_every_class():
    def classes(layer):
        yield layer.class_name
        for part in layer.args:
            if hasattr(part, "class_name"):
                yield from classes(part)

    covered = {name for case in CASES for name in classes(case.layer)}
    assert sorted(set(TABLE) - covered) == []
    assert len(CASES) >= 250
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", [1, 2])
def test_a_dilated_transposed_convolution_has_zeros_between_its_taps(rank, padding, tmp_path):
    """TensorFlow computes it on GPUs alone, so it is held to the kernel that the dilation stands for."""
    import keras

    shape = (6, 5)[:rank]
    layer = getattr(keras.layers, f"Conv{rank}DTranspose")
    dilated, wide = (
        keras.Sequential([keras.Input((*shape, 3)), layer(4, size, padding=padding, **more)])
        for size, more in ((3, {"dilation_rate": 2}), (5, {}))
    )
    randomize(dilated)
    kernel, bias = dilated.get_weights()
    stuffed = np.zeros((5,) * rank + kernel.shape[rank:], np.float32)
    stuffed[(slice(None, None, 2),) * rank] = kernel
    wide.set_weights([stuffed, bias])
    dilated.save(tmp_path / "dilated.keras")
    x = np.random.default_rng(0).uniform(-1, 1, (2, *shape, 3)).astype(np.float32)
    (y,) = outputs(lower(keras_file.read(tmp_path / "dilated.keras"), "net"), [x])
    assert error(y, keras_outputs(wide, [x])[0]) <= 1e-5


@pytest.mark.parametrize("class_name", sorted({case.class_name for case in CASES if case.mode == "S"}))
def test_the_support_table_knows_what_has_a_fixed_point_form(class_name, tmp_path):
    """Every target that computes in fixed point takes its plainest use, or refuses it."""
    case = next(case for case in CASES if case.class_name == class_name and case.mode == "S")
    case.model().save(tmp_path / f"model.{case.suffix}")
    graph = inspect.lowered(keras_file.read(tmp_path / f"model.{case.suffix}"))
    for target in (target for target in TARGETS.values() if "fixed" in target.modes):
        answer = inspect.ask(graph, target.name, numbers="fixed")
        if (
            class_name in FIXED_POINT
            or class_name in noop.KEYS
            or (class_name in FIXED_ON_MCU and target.name == "mcu")
        ):
            # A quantiser right behind the input is how the input is rounded: by itself it is no model.
            assert isinstance(answer, Finished) or answer.what == "the model computes nothing", answer
        else:
            assert isinstance(answer, CompileError)
            assert answer.layer, answer


@pytest.mark.parametrize("class_name", JOINS)
def test_what_joins_values_has_a_fixed_point_form_on_mcu(class_name, tmp_path):
    import keras

    x = keras.Input((None, 3))
    y = getattr(keras.layers, class_name)()([x, keras.layers.Dense(3)(x)])
    keras.Model(x, y).save(tmp_path / "model.keras")
    graph = inspect.lowered(keras_file.read(tmp_path / "model.keras"))
    assert isinstance(inspect.ask(graph, "mcu", numbers="fixed"), Finished)
    answer = inspect.ask(graph, "fpga", numbers="fixed")
    assert isinstance(answer, CompileError)
    assert "Verilog" in answer.what, answer


def test_the_support_table_has_a_line_for_every_class():
    text = support_table(frozenset(noop.KEYS))
    both = {name for name, cases in by_class().items() if len({case.mode for case in cases}) == 2}
    assert both == set(STREAMS)
    assert [name for name in TABLE if name not in text] == []
