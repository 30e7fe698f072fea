"""Weights of layers that multiply: read, quantised where QKeras says so, with the grids they lie on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.ir.numerics import Format
from compiler.lowering import quantizers
from compiler.lowering.layer import Layer
from compiler.lowering.quantizer_rules import Quantizer


@dataclass(frozen=True)
class Weights:
    """Weights by name, and the grid of each that a quantiser has put on one."""

    arrays: Mapping[str, np.ndarray]
    formats: Mapping[str, Format | None]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def bias(self, filters: int) -> np.ndarray:
        """The bias; zeros where the layer has none."""
        return self.arrays.get("bias", np.zeros(filters))


def read_weights(
    layer: Layer, kernels: Mapping[str, Sequence[int]], filters: int, *, quantized: bool = False
) -> Weights:
    """The kernels of the given shapes, in Keras' order, and a bias (filters,) if the layer has one.

    Args:
        quantized: Whether it is a QKeras layer, with a quantiser for each weight.
    """
    shapes = {**kernels, "bias": (filters,)}
    arrays = layer.weights(shapes if layer.flag("use_bias") else kernels)
    layer.ignore_training_of(*map(prefix, shapes))
    return (
        quantize(layer, arrays, tuple(shapes)) if quantized else Weights(arrays, dict.fromkeys(shapes) | layer.formats)
    )


def quantize(layer: Layer, arrays: dict[str, np.ndarray], names: Sequence[str], *, trained: bool = True) -> Weights:
    """Weights through the quantisers that the configuration names `<prefix>_quantizer`, the bias' among them.

    Args:
        names: Of all weights that the layer may have; those that it lacks are not in `arrays`.
        trained: As in `quantizers.read`; never for a bias.
    """
    formats: dict[str, Format | None] = dict.fromkeys(names)
    for name in names:
        key = f"{prefix(name)}_quantizer"
        # The ranges once limited the weights in training; QKeras no longer reads them.
        layer.ignore(f"{prefix(name)}_range")
        quantizer = quantizers.read(layer, key, layer.take(key, None), trained=trained and name != "bias")
        if quantizer and name in arrays:
            arrays[name] = _quantized(layer, key, quantizer, arrays[name])
            if not np.all(np.isfinite(arrays[name])):
                raise layer.error(f"{key} makes NaN of '{name}'", hint="A channel of zeros has no scale.")
            formats[name] = quantizer.grid(arrays[name])
    return Weights(arrays, formats)


def _quantized(layer: Layer, key: str, quantizer: Quantizer, array: np.ndarray) -> np.ndarray:
    try:
        return np.broadcast_to(quantizer(array), array.shape).astype(np.float64)
    except ValueError:
        raise layer.error(f"{key} has an alpha for another number of channels") from None


def prefix(name: str) -> str:
    """What Keras calls a weight in the names of its keys: depthwise_kernel is `depthwise_...` there."""
    return name.removesuffix("_kernel")
