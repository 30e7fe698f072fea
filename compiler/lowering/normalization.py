"""Normalisations: with statistics from training, which are an affine map, and with those of the input itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from compiler.ir.ops import Affine
from compiler.ir.values import Shape, Value
from compiler.lowering.arithmetic import binary, reduce, reshape, scale_and_shift, unary
from compiler.lowering.layer import Layer
from compiler.lowering.shapes import axes_of, known
from compiler.lowering.weights import quantize

EPSILON = 1e-7  # Keras' backend.epsilon()


def batch_normalization(layer: Layer, x: Value) -> Value:
    """Keras' BatchNormalization at inference: gamma * (x - mean) / sqrt(variance + epsilon) + beta per channel."""
    layer.expect_false("renorm")
    layer.expect("virtual_batch_size", None)
    layer.ignore("fused", "renorm_clipping", "renorm_momentum", "adjustment", "synchronized")
    return _batch_normalization(layer, x, quantized=False)


def quantized_batch_normalization(layer: Layer, x: Value) -> Value:
    """QKeras' QBatchNormalization: statistics and weights are quantised too."""
    return _batch_normalization(layer, x, quantized=True)


def _batch_normalization(layer: Layer, x: Value, *, quantized: bool) -> Value:
    axes = axes_of(layer, x)
    if len(axes) > 1:
        raise layer.error(f"axis={layer.take('axis')!r} is not supported", hint="Supported: one axis.")
    count = known(layer, x, axes[0], _axis(layer))
    epsilon = layer.number("epsilon", 1e-3)
    layer.ignore("momentum")
    layer.ignore_training_of("beta", "gamma", "moving_mean", "moving_variance")
    names = [*(["gamma"] if layer.flag("scale") else []), *(["beta"] if layer.flag("center") else [])]
    weights = layer.weights(dict.fromkeys([*names, "moving_mean", "moving_variance"], (count,)))
    arrays = {name.removeprefix("moving_"): array for name, array in weights.items()}
    if quantized:
        # QKeras lets the quantisers of beta and mean alone, those of gamma and variance fit themselves.
        quantize(layer, arrays, ("gamma", "variance"))
        quantize(layer, arrays, ("beta", "mean"), trained=False)
    if np.any(arrays["variance"] + epsilon <= 0):
        raise layer.error("'moving_variance' is negative")
    scale = arrays.get("gamma", np.ones(count)) / np.sqrt(arrays["variance"] + epsilon)
    shift = arrays.get("beta", np.zeros(count)) - arrays["mean"] * scale
    return scale_and_shift(layer, x, scale, shift, axes)


def normalization(layer: Layer, x: Value) -> Value:
    """Keras' Normalization: by a mean and a variance that it was given, or that it has adapted to."""
    axis, invert = layer.take("axis", -1), layer.flag("invert", False)
    axes = () if axis in (None, (), []) else axes_of(layer, x)
    shape = [known(layer, x, axis, _axis(layer)) for axis in axes]
    mean, variance = layer.take("mean", None), layer.take("variance", None)
    if mean is None:
        weights = layer.weights({"mean": shape, "variance": shape, "count": ()})
        mean, variance = weights["mean"], weights["variance"]
    if isinstance(mean, list) != isinstance(variance, list):
        raise layer.error(f"mean={mean!r} and variance={variance!r} do not go together")
    mean, variance = _finite(layer, shape, mean=mean, variance=variance)
    if np.any(variance < 0):
        raise layer.error("its variance is negative")
    deviation = np.maximum(np.sqrt(variance), EPSILON)
    scale, shift = (deviation, mean) if invert else (1 / deviation, -mean / deviation)
    return scale_and_shift(layer, x, scale, shift, axes) if axes else _everywhere(layer, x, scale, shift)


def rescaling(layer: Layer, x: Value) -> Value:
    """Keras' Rescaling: x * scale + offset, each one number or one for each channel."""
    return _everywhere(layer, x, _numbers(layer, x, "scale"), _numbers(layer, x, "offset"))


def _numbers(layer: Layer, x: Value, key: str) -> np.ndarray:
    value: Any = layer.take(key, 0.0)
    config = value.get("config") if isinstance(value, dict) and value.get("class_name") == "__numpy__" else None
    value = config.get("value") if isinstance(config, dict) else value
    return _finite(layer, x.shape[-1:], **{key: value})[0]


def _finite(layer: Layer, shape: Shape, **given: Any) -> list[np.ndarray]:
    """Numbers of the configuration, each key's in the given shape."""
    text = " and ".join(f"{key}={str(value)[:80]}" for key, value in given.items())
    try:
        arrays = [np.broadcast_to(np.asarray(value, np.float64), shape) for value in given.values()]
    except (ValueError, TypeError, OverflowError):
        raise layer.error(f"{text}: neither a number nor one for each of {shape}") from None
    if not all(np.all(np.isfinite(array)) for array in arrays):
        raise layer.error(f"{text}: NaN or infinity")
    return arrays


def _everywhere(layer: Layer, x: Value, scale: np.ndarray, shift: np.ndarray) -> Value:
    """x * scale + shift, broadcast along the channels."""
    channels = x.shape[-1:]
    scale, shift = (np.broadcast_to(n.reshape(-1), channels).copy() for n in (scale, shift))
    return layer.emit(Affine, x, scale=scale, shift=shift)


def layer_normalization(layer: Layer, x: Value) -> Value:
    """Keras' LayerNormalization, over one axis or several, of each sample by itself."""
    axes, epsilon = axes_of(layer, x), layer.number("epsilon", 1e-3)
    only_scale = layer.flag("rms_scaling", False)
    weights = _gamma_and_beta(
        layer, x, axes, layer.flag("scale") or only_scale, layer.flag("center") and not only_scale
    )
    centered = _centered(layer, x, axes)
    # The deprecated rms_scaling divides by the deviation, but keeps the mean.
    y = _over_deviation(layer, x if only_scale else centered, centered, axes, epsilon)
    return scale_and_shift(layer, y, weights.get("gamma"), weights.get("beta"), axes)


def rms_normalization(layer: Layer, x: Value) -> Value:
    """Keras' RMSNormalization: by the root of the mean square."""
    axes, epsilon = axes_of(layer, x), layer.number("epsilon", 1e-6)
    if axes != tuple(range(len(x.shape) - len(axes), len(x.shape))):
        # Keras lines its scale up from the last axis, whatever the axes are.
        raise layer.error(f"axis={layer.take('axis')!r} is not supported", hint="Supported: the last axes.")
    shape = [known(layer, x, axis, _axis(layer)) for axis in axes]
    scale = layer.weights({"scale": shape})["scale"]
    return scale_and_shift(layer, _over_deviation(layer, x, x, axes, epsilon), scale, None, axes)


def unit_normalization(layer: Layer, x: Value) -> Value:
    """Keras' UnitNormalization: to length 1."""
    return unit_length(layer, x, axes_of(layer, x), 1e-12)


def unit_length(layer: Layer, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """x / |x|, or x / epsilon where it is shorter than that."""
    total = reduce(layer, "sum", unary(layer, "square", x, suffix="_square"), axes, suffix="_sum")
    inverse = unary(layer, "rsqrt", total, 0.0, suffix="_inverse")
    bounded = unary(layer, "clip", inverse, 0.0, 1 / epsilon, suffix="_bounded")
    return binary(layer, "multiply", x, bounded)


def group_normalization(layer: Layer, x: Value) -> Value:
    """Keras' GroupNormalization: each group of channels over all other axes, time among them."""
    (axis, *more), epsilon = axes_of(layer, x), layer.number("epsilon", 1e-3)
    if more:
        raise layer.error(f"axis={layer.take('axis')!r} is not supported", hint="Supported: one axis.")
    channels, groups = known(layer, x, axis, _axis(layer)), layer.take("groups", 32)
    groups = channels if groups == -1 else layer.size("groups")
    if channels % groups:
        raise layer.error(f"groups={groups} divides {channels} channels with a remainder")
    weights = _gamma_and_beta(layer, x, (axis,), layer.flag("scale"), layer.flag("center"))
    grouped = reshape(layer, x, (*x.shape[:axis], groups, channels // groups, *x.shape[axis + 1 :]), "_groups")
    others = [each for each in range(len(grouped.shape)) if each != axis]
    centered = _centered(layer, grouped, others)
    y = _over_deviation(layer, centered, centered, others, epsilon)
    return scale_and_shift(layer, reshape(layer, y, x.shape), weights.get("gamma"), weights.get("beta"), (axis,))


def _axis(layer: Layer) -> str:
    return f"axis={layer.take('axis', -1)!r}"


def _gamma_and_beta(layer: Layer, x: Value, axes: Sequence[int], scale: bool, center: bool) -> dict[str, np.ndarray]:
    layer.ignore_training_of("beta", "gamma")
    shape = [known(layer, x, axis, _axis(layer)) for axis in axes]
    return layer.weights({name: shape for name, there in (("gamma", scale), ("beta", center)) if there})


def _centered(layer: Layer, x: Value, axes: Sequence[int]) -> Value:
    mean = reduce(layer, "mean", x, axes, suffix="_mean")
    return binary(layer, "subtract", x, mean, "_centered")


def _over_deviation(layer: Layer, x: Value, deviations: Value, axes: Sequence[int], epsilon: float) -> Value:
    """x / sqrt(the mean square of `deviations` + epsilon)."""
    square = unary(layer, "square", deviations, suffix="_square")
    variance = reduce(layer, "mean", square, axes, suffix="_variance")
    inverse = unary(layer, "rsqrt", variance, epsilon, suffix="_inverse")
    return binary(layer, "multiply", x, inverse, "_normal")
