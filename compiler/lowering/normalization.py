"""Normalisations."""

from __future__ import annotations

import numpy as np

from compiler.graph import Value
from compiler.lowering.layer import Layer
from compiler.ops import Affine


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
    names = [*(["gamma"] if layer.flag("scale") else []), *(["beta"] if layer.flag("center") else [])]
    weights = layer.weights(dict.fromkeys([*names, "moving_mean", "moving_variance"], (channels,)))
    gamma, beta = weights.get("gamma", np.ones(channels)), weights.get("beta", np.zeros(channels))
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    if np.any(variance + epsilon <= 0):
        raise layer.error("'moving_variance' is negative")
    scale = gamma / np.sqrt(variance + epsilon)
    return layer.emit(Affine, x, x.shape, scale=scale, shift=beta - mean * scale)
