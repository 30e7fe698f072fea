"""Small compositions that several families of layers are made of. They emit where they are told to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compiler.ir.ops import Affine, Binary, BinaryFunction, Concatenate, Reduce, Reshape, Slice, Unary
from compiler.ir.reductions import ReduceFunction
from compiler.ir.values import Value
from compiler.lowering.builder import Builder


def unary(to: Builder, function: str, x: Value, *parameters: float, suffix: str = "") -> Value:
    """A function of each element."""
    return to.emit(Unary, x, suffix=suffix, function=function, parameters=tuple(parameters))


def binary(to: Builder, function: BinaryFunction, a: Value, b: Value, suffix: str = "") -> Value:
    """A function of two values that broadcast."""
    return to.emit(Binary, (a, b), suffix=suffix, function=function)


def reduce(
    to: Builder, function: ReduceFunction, x: Value, axes: Sequence[int], *, keepdims: bool = True, suffix: str = ""
) -> Value:
    """A sum, mean or extreme over some axes."""
    return to.emit(Reduce, x, suffix=suffix, function=function, axes=tuple(axes), keepdims=keepdims)


def part(to: Builder, x: Value, axis: int, start: int, count: int, suffix: str = "_part") -> Value:
    """A stretch of one axis."""
    return to.emit(Slice, x, suffix=suffix, axis=axis, start=start, count=count)


def join(to: Builder, values: Sequence[Value], axis: int, suffix: str = "") -> Value:
    """Values one behind the other along an axis."""
    return to.emit(Concatenate, values, suffix=suffix, axis=axis)


def reshape(to: Builder, x: Value, shape: Sequence[int | None], suffix: str = "") -> Value:
    """The same numbers in another shape; nothing where it is the same."""
    return x if tuple(shape) == x.shape else to.emit(Reshape, x, shape=shape, suffix=suffix)


def constant_along(to: Builder, x: Value, numbers: np.ndarray, axes: Sequence[int], suffix: str) -> Value:
    """Numbers that belong to some axes of x, in a shape that broadcasts with it."""
    shape = [n if axis in axes else 1 for axis, n in enumerate(x.shape)]
    while len(shape) > 1 and shape[0] == 1:
        del shape[0]
    return to.constant(np.reshape(numbers, shape), suffix)


def scale_and_shift(
    to: Builder, x: Value, scale: np.ndarray | None, shift: np.ndarray | None, axes: Sequence[int]
) -> Value:
    """x * scale + shift, both along some axes of x; None stands for one and zero."""
    last = len(x.shape) - 1
    if scale is None and shift is None:
        return x
    if tuple(axes) == (last,):
        channels = x.shape[last]
        scale = np.ones(channels) if scale is None else scale
        shift = np.zeros(channels) if shift is None else shift
        return to.emit(Affine, x, scale=scale, shift=shift)
    if scale is not None:
        factor = constant_along(to, x, scale, axes, "_scale")
        x = binary(to, "multiply", x, factor, "" if shift is None else "_scaled")
    if shift is not None:
        x = binary(to, "add", x, constant_along(to, x, shift, axes, "_shift"))
    return x


def softmax(to: Builder, x: Value, axes: Sequence[int], *, logarithm: bool = False) -> Value:
    """exp(x) / sum(exp(x)), or its logarithm, after taking the greatest away, so that nothing overflows."""
    lower = binary(to, "subtract", x, reduce(to, "max", x, axes, suffix="_max"), "_lowered")
    e = unary(to, "exp", lower, suffix="_exp")
    total = reduce(to, "sum", e, axes, suffix="_sum")
    if logarithm:
        return binary(to, "subtract", lower, unary(to, "log", total, suffix="_log"))
    return binary(to, "divide", e, total)
