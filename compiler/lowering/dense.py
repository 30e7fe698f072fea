"""Layers that are a product with a matrix: Conv1D, Dense, and their QKeras twins."""

from __future__ import annotations

import numpy as np

from compiler.graph import Value
from compiler.lowering import quantizers
from compiler.lowering.activation import activate
from compiler.lowering.layer import Layer
from compiler.numerics import Format
from compiler.ops import Convolution, MatMul, causal


def conv1d(layer: Layer, x: Value) -> Value:
    """Keras' Conv1D, causal."""
    return _conv1d(layer, x, quantized=False)


def quantized_conv1d(layer: Layer, x: Value) -> Value:
    """QKeras' QConv1D, causal."""
    return _conv1d(layer, x, quantized=True)


def dense(layer: Layer, x: Value) -> Value:
    """Keras' Dense over the channels."""
    return _dense(layer, x, quantized=False)


def quantized_dense(layer: Layer, x: Value) -> Value:
    """QKeras' QDense over the channels."""
    return _dense(layer, x, quantized=True)


def _conv1d(layer: Layer, x: Value, *, quantized: bool) -> Value:
    channels = x.shape[-1]
    filters, taps, dilation = layer.size("filters"), layer.size("kernel_size"), layer.size("dilation_rate")
    if layer.size("strides") != 1:
        raise layer.error(f"strides={layer.take('strides')!r} is not supported", hint="Supported: strides=1.")
    layer.expect("padding", "causal")
    layer.expect("data_format", "channels_last")
    layer.expect("groups", 1)
    kernel, bias, formats = _weights(layer, (taps, channels, filters), quantized)
    y = layer.emit(
        Convolution,
        x,
        (*x.shape[:-1], filters),
        kernel=kernel,
        bias=bias,
        dilation=(dilation,),
        padding=causal(taps, dilation),
        kernel_format=formats[0],
        bias_format=formats[1],
    )
    return activate(layer, y, layer.take("activation", None))


def _dense(layer: Layer, x: Value, *, quantized: bool) -> Value:
    units = layer.size("units")
    layer.expect("quantization_config", None)
    layer.expect("lora_rank", None)
    kernel, bias, formats = _weights(layer, (x.shape[-1], units), quantized)
    y = layer.emit(
        MatMul,
        x,
        (*x.shape[:-1], units),
        weights=kernel,
        bias=bias,
        weights_format=formats[0],
        bias_format=formats[1],
    )
    return activate(layer, y, layer.take("activation", None))


def _weights(
    layer: Layer, shape: tuple[int, ...], quantized: bool
) -> tuple[np.ndarray, np.ndarray, tuple[Format | None, Format | None]]:
    """Kernel, bias (zeros where there is none) and their grids, in Keras' order of variables."""
    layer.ignore_training_of("kernel", "bias")
    use_bias = layer.flag("use_bias")
    weights = layer.weights({"kernel": shape} | ({"bias": shape[-1:]} if use_bias else {}))
    kernel, bias = weights["kernel"], weights.get("bias", np.zeros(shape[-1]))
    if not quantized:
        return kernel, bias, (None, None)
    # The ranges once limited the weights in training; QKeras no longer reads them.
    layer.ignore("kernel_range", "bias_range")
    on_kernel = quantizers.read(layer, "kernel_quantizer", layer.take("kernel_quantizer", None))
    on_bias = quantizers.read(layer, "bias_quantizer", layer.take("bias_quantizer", None)) if use_bias else None
    layer.ignore("bias_quantizer")
    kernel = on_kernel(kernel) if on_kernel else kernel
    bias = on_bias(bias) if on_bias else bias
    return kernel, bias, (on_kernel and on_kernel.format, on_bias and on_bias.format)
