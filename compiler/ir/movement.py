"""The kinds of operations that move numbers and compute none: whatever comes out went in, or is a constant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.ir.operation import Op, Pads, axis_within, demand, known_size, with_axis
from compiler.ir.values import Shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Op):
    """The same elements in C order in the output's shape."""

    numbers = ("float", "integer")
    words = "another shape of the same numbers"

    def output_shape(self) -> Shape:
        """The output's own, which holds as many elements as the input's."""
        x, y = self.shapes[0], self.output.shape
        before, after = known_size(x), known_size(y)
        demand(None in (before, after) or before == after, x, "as", y)
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class Transpose(Op):
    """Output axis i is input axis permutation[i]."""

    numbers = ("float", "integer")
    words = "another order of the axes"
    permutation: tuple[int, ...]

    def output_shape(self) -> Shape:
        """The input's, in that order."""
        (x,) = self.shapes
        demand(sorted(self.permutation) == list(range(len(x))), "axes", self.permutation, "of", x)
        return tuple(x[axis] for axis in self.permutation)


@dataclass(frozen=True, eq=False, kw_only=True)
class Slice(Op):
    """x[start : start + count*step : step] along one axis; step may be negative. No count: as far as there is any."""

    numbers = ("float", "integer")
    words = "a part of a value"
    axis: int
    start: int
    step: int = 1
    count: int | None = None

    def output_shape(self) -> Shape:
        """The input's, with `count` along the axis."""
        (x,) = self.shapes
        n = x[axis_within(self.axis, x)]
        demand(self.step != 0 and self.start >= 0, "a slice from", self.start, "by", self.step)
        if n is None:
            demand(self.step > 0, "a slice backwards from an unknown end")
            return with_axis(x, self.axis, self.count)
        there = len(range(self.start, n, self.step) if self.step > 0 else range(self.start, -1, self.step))
        count = there if self.count is None else self.count
        demand(
            self.start < n and 1 <= count <= there, "a slice of", count, "from", self.start, "by", self.step, "of", x
        )
        return with_axis(x, self.axis, count)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(Op):
    """A constant before and after, on every axis."""

    numbers = ("float", "integer")
    words = "padding"
    padding: Pads
    value: float = 0.0

    def output_shape(self) -> Shape:
        """The input's and what is put around it."""
        (x,) = self.shapes
        fits = len(self.padding) == len(x) and all(len(pads) == 2 and min(pads) >= 0 for pads in self.padding)
        demand(fits, "padding", self.padding, "around", x)
        return tuple(None if n is None else n + sum(pads) for n, pads in zip(x, self.padding, strict=True))


@dataclass(frozen=True, eq=False, kw_only=True)
class Repeat(Op):
    """Each element along an axis `times` in a row: 1 2 -> 1 1 2 2."""

    numbers = ("float", "integer")
    words = "repetition"
    axis: int
    times: int

    def output_shape(self) -> Shape:
        """The input's, `times` as long along the axis."""
        (x,) = self.shapes
        n = x[axis_within(self.axis, x)]
        demand(self.times >= 1, "repeated", self.times, "times")
        return with_axis(x, self.axis, None if n is None else n * self.times)


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroInsertion(Op):
    """`gap` zeros between each two elements along an axis, for transposed convolutions: 1 2 -> 1 0 2."""

    numbers = ("float", "integer")
    words = "a spreading of samples"
    axis: int
    gap: int

    def output_shape(self) -> Shape:
        """The input's with the zeros."""
        (x,) = self.shapes
        n = x[axis_within(self.axis, x)]
        demand(self.gap >= 0, "a gap of", self.gap)
        return with_axis(x, self.axis, None if n is None else (n - 1) * (self.gap + 1) + 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenate(Op):
    """The inputs one behind the other along an axis; in a fixed-point graph all of them in the output's format."""

    numbers = ("float", "integer")
    words = "a joining of values"
    arity = None
    axis: int

    def output_shape(self) -> Shape:
        """The first input's, as long along the axis as all inputs together."""
        first, axis = self.shapes[0], axis_within(self.axis, self.shapes[0])
        for x in self.shapes:
            fits = len(x) == len(first) and all(
                i == axis or n == m or None in (n, m) for i, (n, m) in enumerate(zip(x, first, strict=True))
            )
            demand(fits, "the shapes", first, "and", x, "do not go together along axis", axis)
        lengths = [x[axis] for x in self.shapes]
        return with_axis(first, axis, None if None in lengths else sum(lengths))


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather(Op):
    """Rows of a table, (entries, width), by the whole numbers in the input, clamped: (...) -> (..., width)."""

    words = "a look-up in a table"
    table: np.ndarray

    def output_shape(self) -> Shape:
        """(..., width)."""
        demand(self.table.ndim == 2 and len(self.table) > 0, "a table of", self.table.shape)
        return (*self.shapes[0], self.table.shape[1])


# Those whose output holds nothing but numbers of its inputs, or those and one constant: what they do to integers.
MOVEMENTS = (Reshape, Transpose, Slice, Pad, Repeat, ZeroInsertion, Concatenate)
