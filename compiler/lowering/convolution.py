"""Convolutions over one axis or two: plain, depthwise, separable, transposed, and their QKeras twins."""

from __future__ import annotations

import numpy as np

from compiler.ir.numerics import Format
from compiler.ir.ops import Convolution, ZeroInsertion
from compiler.ir.values import Value
from compiler.lowering.activation import activate
from compiler.lowering.layer import Layer
from compiler.lowering.shapes import channels_last, sizes, windowed
from compiler.lowering.weights import Weights, read_weights


def convolution(layer: Layer, x: Value) -> Value:
    """Keras' Conv1D and Conv2D."""
    return _plain(layer, x, quantized=False)


def quantized_convolution(layer: Layer, x: Value) -> Value:
    """QKeras' QConv1D and QConv2D."""
    return _plain(layer, x, quantized=True)


def depthwise(layer: Layer, x: Value) -> Value:
    """Keras' DepthwiseConv1D and DepthwiseConv2D."""
    return _depthwise(layer, x, quantized=False)


def quantized_depthwise(layer: Layer, x: Value) -> Value:
    """QKeras' QDepthwiseConv2D."""
    return _depthwise(layer, x, quantized=True)


def separable(layer: Layer, x: Value) -> Value:
    """Keras' SeparableConv1D and SeparableConv2D: each channel by itself, then all of them point by point."""
    return _separable(layer, x, quantized=False)


def quantized_separable(layer: Layer, x: Value) -> Value:
    """QKeras' QSeparableConv1D and QSeparableConv2D."""
    return _separable(layer, x, quantized=True)


class _Windows:
    """The windows of a layer over the space of its input, from its configuration."""

    def __init__(self, layer: Layer, x: Value) -> None:
        rank = _rank(layer, x)
        channels_last(layer)
        self.layer, self.x = layer, x
        self.size, self.strides, self.dilation = (
            sizes(layer, key, rank) for key in ("kernel_size", "strides", "dilation_rate")
        )
        padding = layer.take("padding", "valid")
        if padding == "causal" and rank > 1:
            raise layer.error(f"padding={padding!r} is not supported over {rank} axes")
        self.pads = windowed(layer, x, padding, self.size, self.strides, self.dilation)

    def emit(
        self, kernel: np.ndarray, bias: np.ndarray, groups: int, *formats: Format | None, suffix: str = ""
    ) -> Value:
        """Their convolution with a kernel."""
        return self.layer.emit(
            Convolution,
            self.x,
            suffix=suffix,
            kernel=kernel,
            bias=bias,
            strides=self.strides,
            dilation=self.dilation,
            padding=self.pads,
            groups=groups,
            weights_format=formats[0],
            bias_format=formats[1],
        )


def _rank(layer: Layer, x: Value) -> int:
    """Axes of space, from the name of the class."""
    rank = 2 if "2D" in layer.class_name else 1
    if len(x.shape) != rank + 1 or x.shape[-1] is None:
        raise layer.error(f"its input has the shape {x.shape}: not {rank} axes of space and known channels")
    return rank


def _plain(layer: Layer, x: Value, *, quantized: bool) -> Value:
    windows = _Windows(layer, x)
    filters, groups, channels = layer.size("filters"), _groups(layer), x.shape[-1]
    if channels % groups or filters % groups:
        raise layer.error(f"groups={groups} divides {channels} channels or {filters} filters with a remainder")
    shape = (*windows.size, channels // groups, filters)
    weights = read_weights(layer, {"kernel": shape}, filters, quantized=quantized)
    formats = weights.formats["kernel"], weights.formats["bias"]
    y = windows.emit(weights["kernel"], weights.bias(filters), groups, *formats)
    return activate(layer, y, layer.take("activation", None))


def _groups(layer: Layer) -> int:
    """Files from before there were groups have none."""
    return 1 if layer.take("groups", None) is None else layer.size("groups")


def _depthwise(layer: Layer, x: Value, *, quantized: bool) -> Value:
    windows = _Windows(layer, x)
    layer.expect("groups", 1)
    channels, multiplier = x.shape[-1], layer.size("depth_multiplier")
    shape = (*windows.size, channels, multiplier)
    filters = channels * multiplier
    weights = read_weights(layer, {"depthwise_kernel": shape}, filters, quantized=quantized)
    y = _emit_depthwise(windows, weights, weights.bias(filters), weights.formats["bias"])
    return activate(layer, y, layer.take("activation", None))


def _emit_depthwise(
    windows: _Windows, weights: Weights, bias: np.ndarray, *formats: Format | None, suffix: str = ""
) -> Value:
    """A convolution with as many groups as channels."""
    *taps, channels, multiplier = weights["depthwise_kernel"].shape
    kernel = weights["depthwise_kernel"].reshape(*taps, 1, channels * multiplier)
    return windows.emit(kernel, bias, channels, weights.formats["depthwise_kernel"], *formats, suffix=suffix)


def _separable(layer: Layer, x: Value, *, quantized: bool) -> Value:
    windows = _Windows(layer, x)
    layer.expect("groups", 1)
    layer.ignore_training_of("kernel")  # Keras 2 writes it, and has none
    channels, multiplier, filters = x.shape[-1], layer.size("depth_multiplier"), layer.size("filters")
    between, ones = channels * multiplier, (1,) * len(windows.size)
    kernels = {
        "depthwise_kernel": (*windows.size, channels, multiplier),
        "pointwise_kernel": (*ones, between, filters),
    }
    weights = read_weights(layer, kernels, filters, quantized=quantized)
    middle = _emit_depthwise(windows, weights, np.zeros(between), None, suffix="_depthwise")
    y = layer.emit(
        Convolution,
        middle,
        kernel=weights["pointwise_kernel"],
        bias=weights.bias(filters),
        strides=ones,
        dilation=ones,
        padding=((0, 0),) * len(ones),
        weights_format=weights.formats["pointwise_kernel"],
        bias_format=weights.formats["bias"],
    )
    return activate(layer, y, layer.take("activation", None))


def transposed(layer: Layer, x: Value) -> Value:
    """Keras' Conv1DTranspose and Conv2DTranspose: zeros between the inputs, then a convolution the other way round."""
    rank = _rank(layer, x)
    channels_last(layer)
    layer.expect("groups", 1)
    size, strides, dilation = (sizes(layer, key, rank) for key in ("kernel_size", "strides", "dilation_rate"))
    padding, more = layer.take("padding", "valid"), layer.take("output_padding", None)
    if padding not in ("valid", "same"):
        raise layer.error(f"padding={padding!r} is not supported", hint="Supported: 'valid', 'same'.")
    extra = (None,) * rank if more is None else sizes(layer, "output_padding", rank, least=0)
    filters, channels = layer.size("filters"), x.shape[-1]
    weights = read_weights(layer, {"kernel": (*size, filters, channels)}, filters)
    pads = []
    for axis in range(rank):
        reach = (size[axis] - 1) * dilation[axis]
        pads.append(_transposed_pads(padding, reach, strides[axis], extra[axis]))
        if strides[axis] > 1:
            gap = strides[axis] - 1
            x = layer.emit(ZeroInsertion, x, suffix="_spread", axis=axis, gap=gap)
    kernel = np.flip(weights["kernel"], tuple(range(rank))).swapaxes(-1, -2).copy()
    y = layer.emit(
        Convolution,
        x,
        kernel=kernel,
        bias=weights.bias(filters),
        strides=(1,) * rank,
        dilation=dilation,
        padding=tuple(pads),
    )
    return activate(layer, y, layer.take("activation", None))


def _transposed_pads(padding: str, reach: int, stride: int, extra: int | None) -> tuple[int, int]:
    """Zeros before and after the input and the zeros between.

    Without `output_padding`, 'same' gives stride times as many steps, 'valid' all that any input reaches; with
    it, (n - 1) * stride steps, one more where the taps are odd ('same') or reach + 1 more, and itself.
    """
    if padding == "valid":
        return reach, reach + (max(stride - reach - 1, 0) if extra is None else extra)
    total = stride + reach - 1 if extra is None else reach + (reach + 1) % 2 - 1 + extra
    before = min(-(-total // 2), reach)
    return before, total - before
