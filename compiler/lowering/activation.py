"""Activations, as layers and as the `activation` of another layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compiler.graph import Value
from compiler.lowering import quantizers
from compiler.lowering.layer import Layer
from compiler.ops import Quantize, Unary

FUNCTIONS = ("relu", "tanh", "sigmoid")


def activation_layer(layer: Layer, x: Value) -> Value:
    """Keras' Activation."""
    return activate(layer, x, layer.take("activation"))


def relu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ReLU, plain."""
    layer.expect("max_value", None)
    layer.expect("negative_slope", 0.0)
    layer.expect("threshold", 0.0)
    return layer.emit(Unary, x, x.shape, function="relu")


def quantized_activation_layer(layer: Layer, x: Value) -> Value:
    """QKeras' QActivation."""
    return activate(layer, x, layer.take("activation"))


def activate(layer: Layer, x: Value, activation: Any) -> Value:
    """Applies what an `activation` key holds: a name, a serialised function or a QKeras quantiser."""
    name = function_name(activation)
    if name in (None, "linear"):
        return x
    if name in FUNCTIONS:
        return layer.emit(Unary, x, x.shape, suffix="_" + name if x.layer == layer.name else "", function=name)
    if not _may_be_quantizer(activation):
        raise layer.error(
            f"activation={name!r} is not supported", hint=f"Supported: linear, {', '.join(FUNCTIONS)}, quantisers."
        )
    quantizer = quantizers.read(layer, "activation", activation)
    return layer.emit(
        Quantize,
        x,
        x.shape,
        suffix="_grid" if x.layer == layer.name else "",
        format=quantizer.format,
        rounding="half_even",
        lo=quantizer.lo,
        hi=quantizer.hi,
    )


def function_name(activation: Any) -> str | None:
    """The name of a function as Keras 2 (text) or Keras 3 (text or an object) writes it."""
    if isinstance(activation, Mapping):
        inner = activation.get("config")
        return inner if isinstance(inner, str) else str(activation.get("class_name"))
    return activation if activation is None else str(activation)


def _may_be_quantizer(activation: Any) -> bool:
    if isinstance(activation, Mapping):
        return isinstance(activation.get("config"), Mapping)
    return "(" in activation or activation in quantizers.NAMES
