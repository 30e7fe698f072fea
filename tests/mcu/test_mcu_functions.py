"""The functions of one number in C: accurate to a few units in the last place, stable far out, true to NaN."""

import ctypes

import numpy as np
import pytest
from mcu_sketch import PARAMETERS
from mcu_tools import pointer, shared_library

from compiler.ir import functions
from compiler.ir.functions import FUNCTIONS
from compiler.mcu.literals import float_literal

EPSILON = 2.0**-23
CLEAN = {"relu", "hard_shrink", "threshold"}  # docs/numbers.md says what these make of NaN


@pytest.fixture(scope="module")
def c(tmp_path_factory):
    texts = ['#include "nn_functions.h"']
    for name in FUNCTIONS:
        value = ", ".join(["v", *(float_literal(p) for p in PARAMETERS.get(name, ()))])
        head = f"void f_{name}(float *y, const float *x, size_t count)"
        texts.append(f"{head};\n{head}\n{{\n    NN_EACH(y, x, count, nn_{name}({value}));\n}}\n")
    return shared_library(tmp_path_factory.mktemp("functions"), "\n".join(texts), "-DNN_COMPACT")


def call(c, name, x):
    y = np.empty_like(x)
    getattr(c, f"f_{name}")(pointer(y), pointer(x), ctypes.c_size_t(x.size))
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
def test_accuracy(c, name):
    """Up to 10^4 on both sides of zero, in steps that thin out, and around where definitions change."""
    far = np.geomspace(1e-6, 1e4, 4000)
    near = np.linspace(-4, 4, 4001)
    corners = np.array([-6, -3, -1, -0.5, 0, 0.25, 0.4, 0.5, 1, 1.5, 3, 6])
    x = np.concatenate([far, -far, near, corners, np.nextafter(corners, 9), np.nextafter(corners, -9)])
    x = x.astype(np.float32)
    if name == "exp":
        x = x[x < 80]
    if name in ("log", "sqrt", "rsqrt"):
        x = np.abs(x) + np.float32(1e-6)
    if name == "reciprocal":
        x = x[x != 0]
    parameters = tuple(float(np.float32(p)) for p in PARAMETERS.get(name, ()))
    wanted = functions.apply(name, x.astype(np.float64), parameters)
    y = call(c, name, x)
    assert np.isfinite(y).all()
    missed = np.abs(y - wanted) / np.maximum(1, np.abs(wanted))
    assert missed.max() <= 4 * EPSILON, (name, x[missed.argmax()], missed.max() / EPSILON)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_not_a_number(c, name):
    (y,) = call(c, name, np.array([np.nan], np.float32))
    assert (not np.isnan(y)) == (name in CLEAN)


def test_infinite_parameters():
    """A relu without a maximum has an infinite one."""
    assert float_literal(np.inf) == "NN_INFINITY" and float_literal(-np.inf) == "-NN_INFINITY"
