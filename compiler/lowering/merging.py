"""Layers that make one value of several."""

from __future__ import annotations

import math
from functools import reduce as fold
from typing import Any

import numpy as np

from compiler.ir.ops import Affine, BinaryFunction, Dot, Transpose
from compiler.ir.values import Value
from compiler.lowering.arithmetic import binary, join, reshape
from compiler.lowering.layer import Layer
from compiler.lowering.normalization import unit_length
from compiler.lowering.shapes import axis_of, known


def _element_wise(layer: Layer, function: BinaryFunction, values: tuple[Value, ...]) -> Value:
    if len(values) < 2:
        raise layer.error(f"is called on {len(values)} value; it needs at least two")
    return fold(lambda a, b: binary(layer, function, a, b), values)


def add(layer: Layer, *values: Value) -> Value:
    """Keras' Add."""
    return _element_wise(layer, "add", values)


def subtract(layer: Layer, *values: Value) -> Value:
    """Keras' Subtract, of two."""
    if len(values) != 2:
        raise layer.error(f"is called on {len(values)} values; it needs two")
    return _element_wise(layer, "subtract", values)


def multiply(layer: Layer, *values: Value) -> Value:
    """Keras' Multiply."""
    return _element_wise(layer, "multiply", values)


def maximum(layer: Layer, *values: Value) -> Value:
    """Keras' Maximum."""
    return _element_wise(layer, "maximum", values)


def minimum(layer: Layer, *values: Value) -> Value:
    """Keras' Minimum."""
    return _element_wise(layer, "minimum", values)


def average(layer: Layer, *values: Value) -> Value:
    """Keras' Average."""
    total = _element_wise(layer, "add", values)
    channels = total.shape[-1]
    scale = np.full(channels, 1 / len(values))
    return layer.emit(Affine, total, scale=scale, shift=np.zeros(channels))


def concatenate(layer: Layer, *values: Value) -> Value:
    """Keras' Concatenate along any axis but the batch."""
    axis = axis_of(layer, values[0], layer.take("axis", -1))
    first = values[0].shape
    for value in values[1:]:
        if len(value.shape) != len(first):
            raise layer.error(f"the shapes {first} and {value.shape} do not go together")
        rest = zip(first, value.shape, strict=True)
        if any(n != m and None not in (n, m) for i, (n, m) in enumerate(rest) if i != axis):
            raise layer.error(f"the shapes {first} and {value.shape} differ beside the axis {axis + 1}")
    return values[0] if len(values) == 1 else join(layer, values, axis)


def dot(layer: Layer, *values: Value) -> Value:
    """Keras' Dot: the product of two matrices over one axis of each."""
    if len(values) != 2:
        raise layer.error(f"is called on {len(values)} values; it needs two")
    axes: Any = layer.take("axes")
    pair = axes if isinstance(axes, list | tuple) and len(axes) == 2 else (axes, axes)
    contracted = [axis_of(layer, x, axis, "axes") for x, axis in zip(values, pair, strict=True)]
    lengths = [x.shape[axis] for x, axis in zip(values, contracted, strict=True)]
    if lengths[0] != lengths[1]:
        raise layer.error(f"axes={axes!r} have the lengths {lengths[0]} and {lengths[1]}")
    if layer.flag("normalize", False):
        values = tuple(unit_length(layer, x, (axis,), 1e-7) for x, axis in zip(values, contracted, strict=True))
    rows = [_rows(layer, x, axis) for x, axis in zip(values, contracted, strict=True)]
    left, right = ([n for i, n in enumerate(x.shape) if i != axis] for x, axis in zip(values, contracted, strict=True))
    return reshape(layer, layer.emit(Dot, rows), [*left, *right] or [1])


def _rows(layer: Layer, x: Value, axis: int) -> Value:
    """(rows, length of the axis): the axis last, all others in one."""
    others = [i for i in range(len(x.shape)) if i != axis]
    if others:
        known(layer, x, 0, "a product of matrices")
    if axis != len(x.shape) - 1:
        x = layer.emit(Transpose, x, suffix="_turned", permutation=(*others, axis))
    return x if len(others) == 1 else reshape(layer, x, (math.prod(x.shape[:-1]), x.shape[-1]), "_rows")
