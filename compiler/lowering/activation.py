"""Activations, as layers and as the `activation` of another layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from compiler.ir.ops import Affine, Select
from compiler.ir.values import Value
from compiler.keras_file.jsons import shown
from compiler.lowering import nearest, quantizers
from compiler.lowering.arithmetic import binary, constant_along, part, softmax, unary
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer
from compiler.lowering.shapes import axes_of

# Keras' name: ours in functions.py, and the parameters that Keras gives by default.
FUNCTIONS: dict[str, tuple[str, tuple[float, ...]]] = {
    name: (name, ())
    for name in (
        *("relu", "tanh", "sigmoid", "selu", "gelu", "silu", "mish", "softplus", "softsign", "tanh_shrink"),
        *("sparse_plus", "sparse_sigmoid", "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid"),
    )
} | {
    "relu6": ("clip", (0.0, 6.0)),
    "leaky_relu": ("leaky_relu", (0.2,)),
    "elu": ("elu", (1.0,)),
    "celu": ("celu", (1.0,)),
    "squareplus": ("squareplus", (4.0,)),
    "soft_shrink": ("soft_shrink", (0.5,)),
    "hard_shrink": ("hard_shrink", (0.5,)),
    "exponential": ("exp", ()),
    "swish": ("silu", ()),
    "hard_swish": ("hard_silu", ()),
}


def activation_layer(layer: Layer, x: Value) -> Value:
    """Keras' Activation."""
    return activate(layer, x, layer.take("activation"))


def relu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ReLU."""
    slope, threshold = layer.number("negative_slope", 0.0), layer.number("threshold", 0.0)
    limit = np.inf if layer.take("max_value", None) is None else layer.number("max_value", 0.0)
    if (slope, threshold, limit) == (0.0, 0.0, np.inf):
        return unary(layer, "relu", x)
    return unary(layer, "relu_general", x, slope, limit, threshold)


def leaky_relu_layer(layer: Layer, x: Value) -> Value:
    """Keras' LeakyReLU; Keras 2 called the slope alpha."""
    slope = layer.number("alpha" if layer.take("negative_slope", None) is None else "negative_slope", 0.3)
    return unary(layer, "leaky_relu", x, slope)


def elu_layer(layer: Layer, x: Value) -> Value:
    """Keras' ELU."""
    return unary(layer, "elu", x, layer.number("alpha", 1.0))


def thresholded_relu_layer(layer: Layer, x: Value) -> Value:
    """Keras 2's ThresholdedReLU: x above theta, else 0."""
    return unary(layer, "threshold", x, layer.number("theta", 1.0), 0.0)


def softmax_layer(layer: Layer, x: Value) -> Value:
    """Keras' Softmax over one or several axes."""
    return softmax(layer, x, axes_of(layer, x))


def prelu_layer(layer: Layer, x: Value) -> Value:
    """Keras' PReLU: slopes below zero are weights, of which some axes have one for all."""
    layer.ignore_training_of("alpha")
    shared = axes_of(layer, x, "shared_axes") if layer.take("shared_axes", None) else ()
    own = [axis for axis in range(len(x.shape)) if axis not in shared]
    if any(x.shape[axis] is None for axis in own):
        raise layer.error("it has slopes along an axis of unknown length", hint="Give it shared_axes=[1].")
    slopes = layer.weights({"alpha": [n if axis in own else 1 for axis, n in enumerate(x.shape)]})["alpha"]
    below = binary(layer, "multiply", x, constant_along(layer, x, slopes, own, "_alpha"), "_below")
    return layer.emit(Select, (x, x, below))


LAYERS: dict[str, Callable[[Layer, Value], Value]] = {
    "ReLU": relu_layer,
    "LeakyReLU": leaky_relu_layer,
    "ELU": elu_layer,
    "ThresholdedReLU": thresholded_relu_layer,
    "Softmax": softmax_layer,
}


def quantized_activation_layer(layer: Layer, x: Value) -> Value:
    """QKeras' QActivation."""
    return activate(layer, x, layer.take("activation"))


def activate(layer: Layer, x: Value, activation: Any, to: Builder | None = None) -> Value:
    """Applies what an `activation` key holds: a name, a serialised function, a layer or a QKeras quantiser.

    Args:
        layer: Whose key it is.
        to: Where to emit, in the body of a Scan.
    """
    to = to or layer
    name = function_name(activation)
    suffix = f"_{name}" if x.layer == layer.name else ""
    if name in (None, "linear"):
        return x
    if _is_object(activation) and name in LAYERS:
        inner = layer.inner(activation, builder=to)
        y = LAYERS[name](inner, x)
        inner.finish()
        return y
    if quantizers.is_quantizer(activation):
        return quantizers.read(layer, "activation", activation).emit(layer, x, to)
    if name == "hard_sigmoid" and layer.class_name.startswith("Q"):
        return unary(to, "sparse_sigmoid", x, suffix=suffix)  # QKeras has one of its own
    if name == "hard_sigmoid" and layer.keras_major == 2:
        steep = np.full(x.shape[-1], 0.2), np.full(x.shape[-1], 0.5)
        line = to.emit(Affine, x, suffix="_line", scale=steep[0], shift=steep[1])
        return unary(to, "clip", line, 0.0, 1.0, suffix=suffix)
    if name in FUNCTIONS:
        function, parameters = FUNCTIONS[name]
        return unary(to, function, x, *parameters, suffix=suffix)
    if name in ("softmax", "log_softmax"):
        return softmax(to, x, (len(x.shape) - 1,), logarithm=name == "log_softmax")
    if name == "glu":
        return _gated(to, x)
    known = [*FUNCTIONS, "linear", "softmax", "log_softmax", "glu"]
    raise layer.error(f"activation={shown(name)} is not supported", hint=nearest.hint(str(name), known))


def _gated(to: Builder, x: Value) -> Value:
    """Keras' glu: the first half of the channels times the sigmoid of the second."""
    last, half = len(x.shape) - 1, x.shape[-1] // 2
    gate = unary(to, "sigmoid", part(to, x, last, half, half, "_second"), suffix="_gate")
    first = part(to, x, last, 0, half, "_first")
    return binary(to, "multiply", first, gate)


def function_name(activation: Any) -> str | None:
    """The name of a function as Keras 2 (text) or Keras 3 (text or an object) writes it, or of an object's class."""
    if isinstance(activation, Mapping):
        inner = activation.get("config")
        return inner if isinstance(inner, str) else str(activation.get("class_name"))
    return activation if activation is None else str(activation)


def _is_object(activation: Any) -> bool:
    return isinstance(activation, Mapping) and isinstance(activation.get("config"), Mapping)
