"""Fixed-point numbers: formats, rounding and saturation.

The one place in Python where these rules stand. The C runtime (firmware/runtime/nn_fixed.h) and the
hardware (rtl/requantize.v) state them again in their own language, and tests hold the three together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Rounding = Literal["half_even", "half_up", "floor"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
WIDEST = 62  # bits of an accumulator: int64 has one more for what rounding adds, and one to spare


@dataclass(frozen=True)
class Format:
    """A fixed-point format: an integer of `width` bits that stands for integer * 2**-fraction.

    Args:
        signed: Two's complement if true.
        width: Bits in all, the sign included.
        fraction: Bits behind the binary point; may be negative or exceed the width.
    """

    signed: bool
    width: int
    fraction: int

    @property
    def lo(self) -> int:
        """The least integer."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """The greatest integer."""
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    @property
    def step(self) -> float:
        """What one unit in the last place stands for."""
        return 2.0**-self.fraction

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.width}.{self.fraction}"


def signed_width(lo: int, hi: int) -> int:
    """The least width of a signed integer that holds every value from lo to hi."""
    return max((-lo - 1).bit_length() if lo < 0 else 0, hi.bit_length() if hi > 0 else 0) + 1


def rounding_half(shift: int, rounding: Rounding) -> int:
    """The most that rounding away `shift` bits adds before the shift."""
    return 0 if rounding == "floor" or shift <= 0 else 1 << (shift - 1)


def shift_round(x: np.ndarray | int, shift: int, rounding: Rounding) -> np.ndarray | int:
    """Drops `shift` low bits of integers (a negative shift appends zeros), rounding as told.

    Args:
        x: One integer, and then nothing overflows; or int64, and then the sum of each with half of 2**shift, or its
            product with 2**-shift, must fit.
    """
    if shift <= 0:
        return x << -shift
    if rounding == "floor":
        return x >> shift
    half = 1 << (shift - 1)
    if rounding == "half_up":
        return (x + half) >> shift
    # Half to even: a tie rounds up only where the kept part is odd.
    return (x + (half - 1) + ((x >> shift) & 1)) >> shift


def requantize(x: np.ndarray | int, shift: int, rounding: Rounding, lo: int, hi: int) -> np.ndarray | int:
    """Rounds integers by `shift` bits and clamps them: the only place where precision is given up.

    Args:
        x: One integer; or int64 of at most 62 bits, for any shift and bounds of at most 61 bits.
    """
    if isinstance(x, int):
        return min(max(shift_round(x, shift, rounding), lo), hi)
    shift = effective_shift(shift, WIDEST, lo, hi)
    return np.clip(shift_round(_within(x, shift, lo, hi), shift, rounding), lo, hi)


def effective_shift(shift: int, width: int, lo: int, hi: int) -> int:
    """The shift that makes the same of integers of `width` bits and overflows in no machine.

    Dropping one bit more than there are leaves what dropping any more does, and appending as many as [lo, hi] has
    takes every integer but 0 out of it.
    """
    return max(-signed_width(lo, hi), min(shift, width + 1))


def _within(x: np.ndarray, shift: int, lo: int, hi: int) -> np.ndarray:
    """What of x a shift to the left does not take beyond [lo, hi], and the next integers instead of the rest."""
    return x if shift >= 0 else np.clip(x, lo >> -shift, -(-hi >> -shift))


def piecewise(x: np.ndarray, thresholds: np.ndarray, slopes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """x * slope + offset, exactly, with those of the piece that each number lies in: the last whose threshold is not
    above it.

    Args:
        x: (..., channels).
        thresholds: (pieces - 1, channels), rising; of one channel for all, as are the others.
        slopes, offsets: (pieces, channels).
    """
    slope, offset = np.broadcast_to(slopes[0], x.shape), np.broadcast_to(offsets[0], x.shape)
    for threshold, steep, shift in zip(thresholds, slopes[1:], offsets[1:], strict=True):
        slope, offset = np.where(x >= threshold, steep, slope), np.where(x >= threshold, shift, offset)
    return x * slope + offset


def interpolate(
    x: np.ndarray, format: Format, entries: np.ndarray, fraction_bits: int, symmetry: str, mirror: int
) -> np.ndarray:
    """A function of integers of a format, from a table, exactly: what ir.pointwise.Table says.

    Args:
        x: int64, within the format.
        symmetry: "none", or "even" or "odd", and then the least number counts as the one above it.
    """
    place = x - format.lo if symmetry == "none" else np.minimum(np.abs(x), format.hi)
    at, between = place >> fraction_bits, place & ((1 << fraction_bits) - 1)
    left = entries[at]
    y = (left << fraction_bits) + (entries[at + 1] - left) * between
    return np.where(x < 0, mirror - y, y) if symmetry == "odd" else y


def quantize(
    x: np.ndarray, format: Format, rounding: Rounding = "half_even", lo: int | None = None, hi: int | None = None
) -> np.ndarray:
    """The int64 integers of real numbers in a format, rounded and saturated (to [lo, hi] where given).

    NaN has no integer; it becomes 0, as the C helpers have it.
    """
    scaled = np.asarray(x, np.float64) * 2.0**format.fraction
    scaled = np.nan_to_num(scaled, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if rounding == "half_even":
        scaled = np.rint(scaled)
    elif rounding == "half_up":
        scaled = np.floor(scaled + 0.5)
    else:
        scaled = np.floor(scaled)
    return np.clip(scaled, format.lo if lo is None else lo, format.hi if hi is None else hi).astype(np.int64)


def dequantize(x: np.ndarray, format: Format) -> np.ndarray:
    """The real numbers (float64) that integers of a format stand for."""
    return np.asarray(x, np.float64) * format.step
