"""Layers that move numbers and change none."""

from __future__ import annotations

import math

from compiler.ir.ops import Pad, Repeat, Slice, Transpose
from compiler.ir.values import Value
from compiler.lowering.arithmetic import reshape
from compiler.lowering.layer import Layer
from compiler.lowering.shapes import channels_last, known, reshaped, sizes


def flatten(layer: Layer, x: Value) -> Value:
    """Keras' Flatten."""
    channels_last(layer)
    if None in x.shape[1:] or (len(x.shape) > 1 and x.shape[0] is None):
        raise layer.error("it flattens an axis of unknown length", hint="Give the Input a fixed number of steps.")
    return x if len(x.shape) == 1 else reshape(layer, x, (math.prod(x.shape),))


def reshape_layer(layer: Layer, x: Value) -> Value:
    """Keras' Reshape; one -1 stands for what is left over."""
    target = layer.take("target_shape")
    fine = isinstance(target, list | tuple) and all(type(n) is int and (n > 0 or n == -1) for n in target)
    if not fine or list(target).count(-1) > 1:
        raise layer.error(f"target_shape={target!r} is no shape")
    return reshape(layer, x, reshaped(layer, x, tuple(target)))


def permute(layer: Layer, x: Value) -> Value:
    """Keras' Permute; its axes count from 1."""
    dims = layer.take("dims")
    numbers = isinstance(dims, list | tuple) and all(type(axis) is int for axis in dims)
    if not numbers or sorted(dims) != list(range(1, len(x.shape) + 1)):
        raise layer.error(f"dims={dims!r} is no order of the axes 1 to {len(x.shape)}")
    if dims[0] != 1:
        known(layer, x, 0, f"dims={dims!r}")
    order = tuple(axis - 1 for axis in dims)
    return layer.emit(Transpose, x, permutation=order)


def repeat_vector(layer: Layer, x: Value) -> Value:
    """Keras' RepeatVector: (channels,) -> (n, channels)."""
    times = layer.size("n")
    if len(x.shape) != 1:
        raise layer.error(f"its input has {len(x.shape)} axes beside the batch, not one")
    row = reshape(layer, x, (1, *x.shape), "_row")
    return layer.emit(Repeat, row, axis=0, times=times)


def _pairs(layer: Layer, key: str, x: Value) -> list[tuple[int, int]]:
    """(before, after) for each axis of space: one number for all, one for each, or a pair for each."""
    rank = 2 if "2D" in layer.class_name else 1
    if len(x.shape) != rank + 1:
        raise layer.error(f"its input has {len(x.shape)} axes beside the batch, not {rank + 1}")
    value = layer.take(key)
    listed = list(value) if isinstance(value, list | tuple) else [value] * rank
    if rank == 1 and len(listed) == 2:
        listed = [listed]
    pairs = [tuple(n) if isinstance(n, list | tuple) else (n, n) for n in listed]
    if len(pairs) != rank or not all(len(pair) == 2 and all(type(n) is int and n >= 0 for n in pair) for pair in pairs):
        raise layer.error(f"{key}={value!r} does not say what happens before and after {rank} axes")
    return pairs


def zero_padding(layer: Layer, x: Value) -> Value:
    """Keras' ZeroPadding1D and ZeroPadding2D."""
    channels_last(layer)
    pairs = _pairs(layer, "padding", x)
    return layer.emit(Pad, x, padding=(*pairs, (0, 0)))


def cropping(layer: Layer, x: Value) -> Value:
    """Keras' Cropping1D and Cropping2D."""
    channels_last(layer)
    for axis, (before, after) in enumerate(_pairs(layer, "cropping", x)):
        length = x.shape[axis]
        if length is None and after:
            raise layer.error(
                f"cropping={layer.take('cropping')!r} needs an input of known length",
                hint="Give the Input a fixed number of steps, or crop at the beginning only.",
            )
        if length is not None and before + after >= length:
            raise layer.error(f"cropping={layer.take('cropping')!r} leaves nothing of {length} steps")
        if before or after:
            left = None if length is None else length - before - after
            x = layer.emit(Slice, x, axis=axis, start=before, count=left)
    return x


def up_sampling(layer: Layer, x: Value) -> Value:
    """Keras' UpSampling1D and UpSampling2D, to the nearest."""
    channels_last(layer)
    layer.expect("interpolation", "nearest")
    rank = 2 if "2D" in layer.class_name else 1
    if len(x.shape) != rank + 1:
        raise layer.error(f"its input has {len(x.shape)} axes beside the batch, not {rank + 1}")
    for axis, times in enumerate(sizes(layer, "size", rank)):
        if times > 1:
            x = layer.emit(Repeat, x, axis=axis, times=times)
    return x
