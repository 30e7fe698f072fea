"""The number rules, against exact fractions and against fxpmath as a witness from outside."""

from fractions import Fraction

import numpy as np
import pytest
from fxpmath import Fxp
from hypothesis import given
from hypothesis import strategies as st

from compiler.ir import numerics
from compiler.ir.numerics import ROUNDINGS, Format


def exact(x, shift, rounding):
    """One integer divided by 2**shift and rounded, in exact fractions."""
    value = Fraction(int(x), 1) / Fraction(2) ** shift
    floor = value.numerator // value.denominator
    rest = value - floor
    if rounding == "floor":
        return floor
    if rest == Fraction(1, 2):
        return floor + 1 if rounding == "half_up" else floor + floor % 2
    return floor + (rest > Fraction(1, 2))


@given(st.integers(-(2**45), 2**45), st.integers(-8, 40), st.sampled_from(ROUNDINGS))
def test_shift_round_is_exact(x, shift, rounding):
    assert int(numerics.shift_round(np.int64(x), shift, rounding)) == exact(x, shift, rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_ties_and_their_neighbours(rounding):
    x = np.arange(-64, 65)
    got = numerics.shift_round(x, 3, rounding)
    assert got.tolist() == [exact(v, 3, rounding) for v in x]


def test_the_roundings_differ_from_each_other():
    """So that no test above could pass with one rounding in place of another."""
    results = {tuple(numerics.shift_round(np.arange(-16, 17), 2, rounding)) for rounding in ROUNDINGS}
    assert len(results) == 3


@pytest.mark.parametrize("width,fraction", [(16, 12), (16, 15), (8, 4), (12, 0)])
def test_quantize_equals_fxpmath(width, fraction):
    rng = np.random.default_rng(width)
    x = rng.normal(0, 2.0 ** (width - fraction - 1), 2000)
    x[:9] = [0, 1e9, -1e9, 0.5, -0.5, 1.5 * 2.0**-fraction, 2.5 * 2.0**-fraction, -0.5 * 2.0**-fraction, 1]
    witness = Fxp(x, signed=True, n_word=width, n_frac=fraction, rounding="around", overflow="saturate")
    assert np.array_equal(numerics.quantize(x, Format(True, width, fraction)), witness.val.astype(np.int64))


def test_quantize_takes_what_is_no_number():
    format = Format(True, 16, 12)
    assert numerics.quantize([np.nan, np.inf, -np.inf], format).tolist() == [0, format.hi, format.lo]


def test_formats_hold_their_bounds():
    assert (Format(True, 16, 12).lo, Format(True, 16, 12).hi) == (-32768, 32767)
    assert (Format(False, 15, 12).lo, Format(False, 15, 12).hi) == (0, 32767)


@given(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40))
def test_signed_width_is_the_least(a, b):
    lo, hi = min(a, b), max(a, b)
    width = numerics.signed_width(lo, hi)
    least = Format(True, width, 0)
    assert least.lo <= lo
    assert hi <= least.hi
    if width > 1:
        narrower = Format(True, width - 1, 0)
        assert lo < narrower.lo or hi > narrower.hi
