"""Normalisations."""

from __future__ import annotations

import numpy as np

from compiler.graph import Affine, Value
from compiler.lowering.layer import Layer


def batch_normalization(layer: Layer, x: Value) -> Value:
    """Keras' BatchNormalization at inference: gamma * (x - mean) / sqrt(variance + epsilon) + beta per channel."""
    channels = x.shape[-1]
    axis = layer.take("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(x.shape)):  # Keras counts the batch, a shape here does not
        raise layer.error(f"axis={axis!r} is not supported", hint="Supported: the channels, axis=-1.")
    epsilon = layer.number("epsilon", 1e-3)
    layer.expect("renorm", False)
    layer.expect("virtual_batch_size", None)
    layer.ignore("momentum", "synchronized", "fused", "renorm_clipping", "renorm_momentum", "adjustment")
    layer.ignore_training_of("beta", "gamma", "moving_mean", "moving_variance")
    gamma = layer.weight("gamma", (channels,)) if layer.flag("scale") else np.ones(channels)
    beta = layer.weight("beta", (channels,)) if layer.flag("center") else np.zeros(channels)
    mean = layer.weight("moving_mean", (channels,))
    variance = layer.weight("moving_variance", (channels,))
    if np.any(variance + epsilon <= 0):
        raise layer.error("'moving_variance' is negative")
    scale = gamma / np.sqrt(variance + epsilon)
    return layer.emit(Affine, x, x.shape, scale=scale, shift=beta - mean * scale)
