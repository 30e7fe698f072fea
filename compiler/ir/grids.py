"""Quantisers whose places each have a grid of their own, as training with a width for each value leaves them.

Reference: Sun et al. 2024, "Gradient-based Automatic Mixed Precision Quantization for Neural Networks On-Chip" (HGQ).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.ir.numerics import ROUNDINGS, Format, Rounding, signed_width
from compiler.ir.operation import Op, broadcast, demand
from compiler.ir.values import Shape


@dataclass(frozen=True, eq=False)
class Grids:
    """A grid for each place of a value's last axes, all of them parts of one.

    Args:
        fraction: Bits behind the point of the finest grid, which all others are parts of.
        coarser: Of the value's last axes: how many of these bits each place lacks; 0 or more.
        lo, hi: The same shape: the bounds of each place, in units of its own grid.
        wraps: Whether a number beyond the bounds comes in again at the other end; else it becomes the bound.
    """

    fraction: int
    coarser: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    wraps: bool

    @property
    def format(self) -> Format:
        """The least signed format on the finest grid that holds what any place may become."""
        least, most = int(np.min(self.lo << self.coarser)), int(np.max(self.hi << self.coarser))
        return Format(True, signed_width(least, most), self.fraction)

    def within(self, x: np.ndarray) -> np.ndarray:
        """Whole numbers, in units of each place's grid, brought between its bounds."""
        return self.lo + (x - self.lo) % (self.hi - self.lo + 1) if self.wraps else np.clip(x, self.lo, self.hi)

    def of(self, x: np.ndarray, rounding: Rounding) -> np.ndarray:
        """Real numbers as int64, in units of the finest grid. NaN, and infinity where it wraps, become 0."""
        own = np.asarray(x, np.float64) * 2.0 ** (self.fraction - self.coarser)
        whole = {"half_even": np.rint, "half_up": lambda n: np.floor(n + 0.5), "floor": np.floor}[rounding](own)
        whole = np.where(np.isnan(whole) | (np.isinf(whole) & self.wraps), 0.0, whole)
        span = (self.hi - self.lo + 1).astype(np.float64)
        if self.wraps:
            part = whole / span - np.floor(whole / span)  # exact: a span is a power of two
            whole = np.where(part * span > self.hi, part - 1, part) * span
        return np.clip(whole, self.lo, self.hi).astype(np.int64) << self.coarser


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantizeEach(Op):
    """Float graphs: rounds each place of the last axes to a grid of its own; the value stays float.

    Args:
        fraction, coarser, lo, hi, wraps: See Grids.
    """

    words = "a quantiser with a grid for each place"
    whole = ("coarser", "lo", "hi")
    fraction: int
    coarser: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    rounding: Rounding
    wraps: bool

    @property
    def grids(self) -> Grids:
        """The grids."""
        return Grids(self.fraction, self.coarser, self.lo, self.hi, self.wraps)

    @property
    def format(self) -> Format:
        """One that holds every place."""
        return self.grids.format

    def output_shape(self) -> Shape:
        """The input's."""
        (x,) = self.shapes
        demand(self.rounding in ROUNDINGS, "nothing rounds", self.rounding)
        demand(self.coarser.shape == self.lo.shape == self.hi.shape, "bounds of", self.lo.shape, self.hi.shape)
        demand(np.all(self.coarser >= 0) and np.all(self.lo <= self.hi), "grids without numbers")
        if self.wraps:
            span = self.hi - self.lo + 1
            demand(np.all(span & (span - 1) == 0), "a range that wraps and is no power of two")
        demand(len(self.coarser.shape) <= len(x) and broadcast(x, self.coarser.shape) == x, "grids on", x)
        return x
