"""The functions of one number in C: accurate for every finite float, true to NaN, the same bits on other machines."""

import ctypes

import numpy as np
import pytest
from mcu_sketch import PARAMETERS, Sketch
from mcu_tools import pointer, run_build, shared_library, write

from compiler.ir import functions
from compiler.ir.functions import FUNCTIONS
from compiler.mcu.literals import float_literal

EPSILON = 2.0**-23
CLEAN = {"relu", "hard_shrink", "threshold"}  # docs/numbers.md says what these make of NaN


def library(folder, *flags):
    texts = ['#include "nn_functions.h"']
    for name in FUNCTIONS:
        value = ", ".join(["v", *(float_literal(p) for p in PARAMETERS.get(name, ()))])
        head = f"void f_{name}(float *y, const float *x, size_t count)"
        texts.append(f"{head};\n{head}\n{{\n    NN_EACH(y, x, count, nn_{name}({value}));\n}}\n")
    return shared_library(folder, "\n".join(texts), "-DNN_COMPACT", *flags)


@pytest.fixture(scope="module")
def c(tmp_path_factory):
    return library(tmp_path_factory.mktemp("functions"))


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


def beyond(name, x, y):
    """The greatest error of y, as a part of what is allowed: 1e-6 of the true value, or 2e-6."""
    parameters = tuple(float(np.float32(p)) for p in PARAMETERS.get(name, ()))
    true = functions.apply(name, x.astype(np.float64), parameters)
    with np.errstate(over="ignore"):
        nearest = true.astype(np.float32)
    finite = np.isfinite(nearest)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(nearest), name)
    np.testing.assert_array_equal(y[np.isinf(nearest)], nearest[np.isinf(nearest)], name)
    missed = np.abs(y[finite] - true[finite])
    return (missed / np.maximum(2e-6, 1e-6 * np.abs(true[finite]))).max(initial=0)


def every(step):
    """Finite floats, a bit pattern of `step` after another, in parts."""
    for start in range(0, 1 << 32, step << 20):
        x = np.arange(start, min(start + (step << 20), 1 << 32), step).astype(np.uint32).view(np.float32)
        yield x[np.isfinite(x)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_finite_number(c, name):
    """Over the whole range, and without gaps where it ends: subnormal numbers, ends of exponents, the greatest."""
    ends = np.concatenate([np.arange(3000), 0x00800000 + np.arange(-999, 999), 0x7F7FFFFF - np.arange(999)])
    powers = (np.arange(1, 254)[:, None] << 23) + np.arange(-2, 3)
    edges = np.concatenate([ends, powers.ravel()]).astype(np.uint32)
    x = np.concatenate([*every(32749), edges.view(np.float32), -edges.view(np.float32)])
    x = np.append(x[np.isfinite(x)], np.array([np.inf, -np.inf], np.float32))
    assert beyond(name, x, call(c, name, x)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_64th_number(c, name):
    assert max(beyond(name, x, call(c, name, x)) for x in every(64) if x.size) <= 1


def test_an_error_is_seen():
    x = np.array([0.5, 3.0], np.float32)
    assert beyond("exp", x, np.exp(x) * np.float32(1 + 2e-6)) > 1
    assert beyond("tanh", x, np.tanh(x) + np.float32(3e-6)) > 1


def test_the_same_bits_on_the_microcontroller(tmp_path):
    """Where both multiply and add at once: a build on the emulated Cortex-M7, and this machine's library.

    `fmaf` rounds once everywhere, in software where there is no instruction for it.
    """
    host = library(tmp_path, "-D__FP_FAST_FMAF")
    grid = np.arange(0, 1 << 32, 4194301).astype(np.uint32).view(np.float32)
    x = np.concatenate([grid[np.isfinite(grid)], np.linspace(-12, 12, 2000, dtype=np.float32)])
    net = Sketch("stream", (1,))
    wanted = [net.unary(net.inputs[0], name) for name in FUNCTIONS]
    graph = net.graph(net.concatenate(wanted, 0))
    made = run_build(write(tmp_path / "build", graph), "net", x[:, None], on="emulator").y
    for name, y in zip(FUNCTIONS, made.T, strict=True):
        here = call(host, name, x)
        numbers = ~np.isnan(here)
        np.testing.assert_array_equal(np.isnan(y), ~numbers, name)
        # Zeros of both signs are equal.
        np.testing.assert_array_equal((y + 0.0)[numbers].view(np.uint32), (here + 0.0)[numbers].view(np.uint32), name)


def test_infinite_parameters():
    """A relu without a maximum has an infinite one."""
    assert float_literal(np.inf) == "NN_INFINITY" and float_literal(-np.inf) == "-NN_INFINITY"
