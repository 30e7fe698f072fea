"""Every layer and attribute of the table: lowered, it equals Keras; and it streams, or says that it does not."""

import numpy as np
import pytest
from layer_cases import CASES

from compiler import keras_file, reference
from compiler.checks import error
from compiler.errors import CompileError
from compiler.lowering import TABLE, lower
from compiler.passes.stream import stream
from compiler.verifier import verify


def outputs(graph, inputs):
    """Of every output (steps, *shape), in float64."""
    values = reference.evaluate(graph, inputs)
    return [values[value.name] for value in graph.outputs]


def keras_outputs(model, inputs):
    y = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(part) for part in (y if isinstance(y, list | tuple) else [y])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_equals_keras(case, tmp_path):
    model, inputs = case.model(), case.inputs()
    model.save(tmp_path / "model.h5")
    graph = lower(keras_file.read(tmp_path / "model.h5"), "net")
    verify(graph, "lowered")
    wanted = keras_outputs(model, inputs)
    frames = outputs(graph, inputs)
    assert [y.shape for y in frames] == [y.shape for y in wanted]
    for y, k in zip(frames, wanted, strict=True):
        assert error(y, k) <= 1e-5
    if case.mode == "F":
        with pytest.raises(CompileError, match="does not stream|no time axis"):
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
