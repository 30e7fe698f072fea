"""Functions of one number, applied to each element: as they are named in a file, and as integers compute them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from compiler.ir.functions import FUNCTIONS
from compiler.ir.numerics import ROUNDINGS, Format, Rounding
from compiler.ir.operation import Op, demand
from compiler.ir.values import Shape

Symmetry = Literal["none", "even", "odd"]
SYMMETRIES: tuple[Symmetry, ...] = get_args(Symmetry)


@dataclass(frozen=True, eq=False, kw_only=True)
class Unary(Op):
    """A function of one number, applied to each element; name and parameters as in functions.py."""

    function: str
    parameters: tuple[float, ...] = ()

    @property
    def words(self) -> str:
        """Which function."""
        return f"the function {self.function}"

    def output_shape(self) -> Shape:
        """The input's."""
        demand(self.function in FUNCTIONS, "no function is called", self.function)
        count = FUNCTIONS[self.function][0]
        demand(len(self.parameters) == count, self.function, "takes", count, "parameters, not", self.parameters)
        return self.shapes[0]


class Clamping:
    """What operations that round and then clamp to [lo, hi] have in common."""

    rounding: Rounding
    lo: int
    hi: int

    def output_shape(self) -> Shape:
        """The input's."""
        demand(self.rounding in ROUNDINGS, "nothing rounds", self.rounding)
        demand(self.lo <= self.hi, "a clamp to", self.lo, "...", self.hi)
        return self.shapes[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class Piecewise(Op):
    """A function of one number made of straight pieces: x * slope + offset, both those of the piece that x lies in.

    In a fixed-point graph all are integers, thresholds on the input's grid and offsets on that of the output, which is
    an accumulator: nothing is rounded.

    Args:
        thresholds: (pieces - 1, channels), from the least on: where each piece but the first begins.
        slopes, offsets: (pieces, channels), along the last axis, or of 1 channel for all.
        slopes_format: The grid of the slopes; None in float.
        error: In a fixed-point graph, by how many steps of the result the grids of slopes and offsets move it at most.
    """

    numbers = ("float", "integer")
    words = "a function of straight pieces"
    thresholds: np.ndarray
    slopes: np.ndarray
    offsets: np.ndarray
    slopes_format: Format | None = None
    error: float | None = None

    def output_shape(self) -> Shape:
        """The input's."""
        (x,) = self.shapes
        pieces, channels = self.slopes.shape
        fits = self.offsets.shape == (pieces, channels) and self.thresholds.shape == (pieces - 1, channels)
        demand(fits and pieces >= 1, "pieces of", self.thresholds.shape, self.slopes.shape, self.offsets.shape)
        demand(channels == 1 or x[-1:] == (channels,), channels, "channels on", x)
        demand((np.diff(self.thresholds, axis=0) >= 0).all(), "thresholds that fall")
        return x


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Op):
    """Fixed-point graphs: a function of one number, interpolated between entries a power of two apart.

    The output is an accumulator, on a grid 2**fraction_bits as fine as the entries', and nothing is rounded:
    entries[i] * 2**fraction_bits + (entries[i + 1] - entries[i]) * f, where i and f are the upper and the lower bits of
    the input, counted from the least number of its format. An even or an odd function has entries for the upper half
    alone, counted from 0, and is read at |x|; of an odd one, what is read for x below 0 is taken from `mirror`.

    Args:
        entries: 2**address_bits + 1 of them.
        fraction_bits: The lower bits of the input, between two entries.
        mirror: f(x) + f(-x) of an odd function, on the output's grid.
        error: By how many steps of the result it misses the function at most, rounding to the nearest included.
        function, parameters: What it stands for.
    """

    numbers = ("integer",)
    entries: np.ndarray
    fraction_bits: int
    symmetry: Symmetry
    mirror: int
    error: float
    function: str
    parameters: tuple[float, ...] = ()

    @property
    def words(self) -> str:
        """Of which function."""
        return f"a table of the function {self.function}"

    @property
    def address_bits(self) -> int:
        """The upper bits of the input."""
        return (len(self.entries) - 1).bit_length() - 1

    def output_shape(self) -> Shape:
        """The input's."""
        demand(self.symmetry in SYMMETRIES, "no symmetry is called", self.symmetry)
        demand(self.function in FUNCTIONS, "no function is called", self.function)
        whole = self.entries.ndim == 1 and len(self.entries) == (1 << self.address_bits) + 1
        demand(whole, "a table of", *self.entries.shape)
        demand(0 <= self.fraction_bits <= 30, self.fraction_bits, "bits between two entries")
        return self.shapes[0]
