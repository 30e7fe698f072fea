"""The table: which function lowers which class of Keras layer.

A lowering is given the layer and the values it is called on, consumes every configuration key, and returns the
value that the layer computes.
"""

from __future__ import annotations

from collections.abc import Callable

from compiler.graph import Value
from compiler.lowering import activation, dense, normalization
from compiler.lowering.layer import Layer


def dropout(layer: Layer, x: Value) -> Value:
    """Does nothing at inference."""
    layer.ignore("rate", "seed", "noise_shape")
    return x


Lower = Callable[..., Value]

TABLE: dict[str, Lower] = {
    "Activation": activation.activation_layer,
    "BatchNormalization": normalization.batch_normalization,
    "Conv1D": dense.conv1d,
    "Dense": dense.dense,
    "Dropout": dropout,
    "QActivation": activation.quantized_activation_layer,
    "QConv1D": dense.quantized_conv1d,
    "QDense": dense.quantized_dense,
    "ReLU": activation.relu_layer,
}
