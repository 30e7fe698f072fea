"""Pooling over boxes, and over all of space."""

from __future__ import annotations

from typing import Literal

from compiler.ir.ops import Pool
from compiler.ir.values import Value
from compiler.lowering import masking
from compiler.lowering.arithmetic import reduce
from compiler.lowering.layer import Layer
from compiler.lowering.shapes import channels_last, sizes, windowed

Function = Literal["max", "mean"]


def max_pooling(layer: Layer, x: Value) -> Value:
    """Keras' MaxPooling1D and MaxPooling2D."""
    return _pooling(layer, x, "max")


def average_pooling(layer: Layer, x: Value) -> Value:
    """Keras' AveragePooling1D and AveragePooling2D: what is padded does not count."""
    return _pooling(layer, x, "mean")


def global_max_pooling(layer: Layer, x: Value) -> Value:
    """Keras' GlobalMaxPooling1D and GlobalMaxPooling2D."""
    return _global(layer, x, "max")


def global_average_pooling(layer: Layer, x: Value) -> Value:
    """Keras' GlobalAveragePooling1D and GlobalAveragePooling2D."""
    if layer.mask is not None:
        _space(layer, x)
        return masking.global_average(layer, x)
    return _global(layer, x, "mean")


def _space(layer: Layer, x: Value) -> int:
    channels_last(layer)
    rank = 2 if "2D" in layer.class_name else 1
    if len(x.shape) != rank + 1:
        raise layer.error(f"its input has {len(x.shape)} axes beside the batch, not {rank + 1}")
    return rank


def _pooling(layer: Layer, x: Value, function: Function) -> Value:
    rank = _space(layer, x)
    size = sizes(layer, "pool_size", rank)
    strides = size if layer.take("strides", None) is None else sizes(layer, "strides", rank)
    padding = layer.take("padding", "valid")
    if padding == "causal":
        raise layer.error(f"padding={padding!r} is not supported", hint="Supported: 'valid', 'same'.")
    pads = windowed(layer, x, padding, size, strides, (1,) * rank)
    return layer.emit(Pool, x, function=function, size=size, strides=strides, padding=pads)


def _global(layer: Layer, x: Value, function: Function) -> Value:
    axes = tuple(range(_space(layer, x)))
    return reduce(layer, function, x, axes, keepdims=layer.flag("keepdims", False))
