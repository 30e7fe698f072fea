"""The kinds of operations that make one number of many: over whole axes, or over boxes that move along them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from compiler.ir.operation import Op, Pads, axis_within, demand, windows_over
from compiler.ir.values import Shape

ReduceFunction = Literal["sum", "mean", "max", "min"]
PoolFunction = Literal["max", "mean", "sum"]
REDUCE: tuple[str, ...] = get_args(ReduceFunction)
POOL: tuple[str, ...] = get_args(PoolFunction)


@dataclass(frozen=True, eq=False, kw_only=True)
class Reduce(Op):
    """Sum, mean or extreme over some axes, which stay with length 1 or go.

    In a fixed-point graph a sum, whose output is an accumulator, or an extreme, in the input's format.
    """

    numbers = ("float", "integer")
    words = "a sum, a mean or an extreme over axes"
    function: ReduceFunction
    axes: tuple[int, ...]
    keepdims: bool = False

    @property
    def terms(self) -> int:
        """How many numbers become one."""
        return self.inputs[0].size // self.output.size

    def output_shape(self) -> Shape:
        """The input's without the axes, or with length 1 there."""
        (x,) = self.shapes
        demand(self.function in REDUCE, "nothing reduces by", self.function)
        axes = {axis_within(axis, x) for axis in self.axes}
        demand(axes and len(axes) == len(self.axes), "axes", self.axes, "of", x)
        return tuple(1 if axis in axes else n for axis, n in enumerate(x) if self.keepdims or axis not in axes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Op):
    """(*space, C): maximum, mean or sum over boxes. Padding never counts: it is no maximum and no part of a mean.

    In a fixed-point graph a maximum, in the input's format, or a sum, whose output is an accumulator.
    """

    numbers = ("float", "integer")
    words = "pooling"
    function: PoolFunction
    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Pads

    @property
    def terms(self) -> int:
        """How many numbers become one, at most."""
        return math.prod(self.size)

    def output_shape(self) -> Shape:
        """(*space', C)."""
        (x,) = self.shapes
        demand(x and self.function in POOL, "nothing pools by", self.function, "over", x)
        inside = all(max(pads, default=0) < size for pads, size in zip(self.padding, self.size, strict=False))
        demand(inside, "boxes of", self.size, "that hold nothing but padding", self.padding)
        return (*windows_over(x[:-1], self.size, self.strides, self.padding), x[-1])
