"""Every layer and attribute of the table, as C on this machine: equal to Keras, streams from the first sample on."""

import numpy as np
import pytest
from layer_cases import CASES
from test_layers import keras_outputs

import compiler
from compiler.verification import TIMES_FLOAT32, TOLERANCE, error

pytestmark = pytest.mark.filterwarnings("ignore:The initializer .* is unseeded:UserWarning")


def outputs(build, inputs, on):
    """Of every output, in the model's order."""
    y = build.run(inputs if len(inputs) > 1 else inputs[0], on=on)
    return list(y.values()) if isinstance(y, dict) else [y]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_c_equals_keras(case, tmp_path):
    model, inputs = case.model(), case.inputs()
    path = tmp_path / f"model.{case.suffix}"
    model.save(path)
    wanted = keras_outputs(model, inputs)
    build = compiler.compile(path, "mcu", out=tmp_path / "build")
    assert build.report["mode"] == ("stream" if case.mode == "S" else "frame")
    exact = outputs(build, inputs, "reference")
    for y, k, e in zip(outputs(build, inputs, "host"), wanted, exact, strict=True):
        assert y.shape == k.shape
        off = error(k, e)
        assert off <= 1e-4, "Keras and the interpreter differ"
        assert error(y, k) <= max(TOLERANCE, TIMES_FLOAT32 * off)


def test_the_table_is_long():
    assert len(CASES) >= 250
    assert np.mean([case.mode == "S" for case in CASES]) > 0.2
