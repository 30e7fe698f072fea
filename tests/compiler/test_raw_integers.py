"""Integers that a build's format has not are refused wherever the build runs: each place would make others of them."""

import re

import model_files
import numpy as np
import pytest

import compiler
from compiler.errors import CompileError

ODD = {
    "above": np.array([[5], [8]]),
    "below": np.array([[-9], [0]]),
    "far above": np.array([[1], [2**40 + 3]]),
    "unsigned": np.array([[1], [2**64 - 1]], np.uint64),
    "a fraction": np.array([[1.0], [0.5]]),
    "NaN": np.array([[1.0], [np.nan]]),
}


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    grids = [model_files.grid(f"quantized_bits({bits}, 1, alpha=1)") for bits in (4, 8)]
    model = model_files.write(folder / "net.h5", (None, 1), grids[0], model_files.dense([[0.75]], [0.1]), grids[1])
    return {t: compiler.compile(model, t, numbers="fixed", out=folder / t) for t in ("mcu", "fpga")}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("target", "on"), [("mcu", "reference"), ("mcu", "host"), ("fpga", "reference"), ("fpga", "rtl")]
)
def test_integers_outside_the_format_are_refused_everywhere(odd, target, on, builds):
    x = ODD[odd]
    with pytest.raises(CompileError) as caught:
        builds[target].run(x, on, raw=True)
    value = x[0, 0] if odd == "below" else x[1, 0]
    assert f"the input 'input' holds {value}" in str(caught.value)
    assert re.search(r"s4\.2: those go from -8 to 7", str(caught.value))
    with pytest.raises(CompileError, match="which is no integer of its format"):
        builds[target].execute([x], on)


def test_integers_of_the_format_run_everywhere(builds):
    x = np.arange(-8, 8)[:, None]
    ys = [
        builds[target].run(x, on, raw=True) for target, on in (("mcu", "reference"), ("mcu", "host"), ("fpga", "rtl"))
    ]
    assert all(np.array_equal(y, ys[0]) for y in ys)
    assert np.array_equal(builds["mcu"].run(x.astype(float), raw=True), ys[0])
