"""What QKeras' quantisers compute, on weights at compile time and on values in the graph.

The definitions are those of QKeras 0.9 (Coelho et al. 2021, "Automatic heterogeneous quantization of deep neural
networks"), in float32 where a scale is fitted to the weights, because that is what training saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from compiler.ir import numerics
from compiler.ir.numerics import Format
from compiler.ir.ops import Affine, Quantize, Select
from compiler.ir.values import Value
from compiler.lowering.arithmetic import binary as binary_op
from compiler.lowering.arithmetic import unary
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer

EPSILON = np.float32(1e-7)  # Keras' backend.epsilon()
WIDEST = 16  # bits of a grid that weights are put on where the quantiser names none
Fit = Literal["auto", "auto_po2"]


class Quantizer(Protocol):
    """A rule that makes few numbers of many."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Weights quantised, as float64."""

    def grid(self, quantized: np.ndarray) -> Format | None:
        """A format that holds the quantised weights exactly; None where they lie on no common grid."""

    def emit(self, layer: Layer, x: Value, to: Builder) -> Value:
        """The quantiser as an activation; refuses, naming the layer, where it cannot be one."""


def finest_grid(numbers: np.ndarray) -> Format | None:
    """The narrowest format that holds all numbers exactly, of at most 16 bits; None where there is none."""
    for fraction in range(-WIDEST, 2 * WIDEST):
        integers = numbers * 2.0**fraction
        if np.array_equal(integers, np.rint(integers)):
            width = numerics.signed_width(int(integers.min()), int(integers.max()))
            return Format(True, width, fraction) if width <= WIDEST else None
    return None


@dataclass(frozen=True)
class Uniform:
    """A function, then rounding half to even to the grid of `format`, clamped to [lo, hi] units, times a scale.

    Args:
        before: Name and parameters of the function in functions.py, for activations only; None for none.
        scale: One number, or one for each channel.
    """

    format: Format
    lo: int
    hi: int
    before: tuple[str, tuple[float, ...]] | None = None
    scale: float | tuple[float, ...] = 1.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        integers = numerics.quantize(x, self.format, "half_even", self.lo, self.hi)
        return numerics.dequantize(integers, self.format) * np.asarray(self.scale)

    def grid(self, quantized: np.ndarray) -> Format | None:
        return self.format if self.scale == 1 else finest_grid(quantized)

    def emit(self, layer: Layer, x: Value, to: Builder) -> Value:
        suffix = "_grid" if x.layer == layer.name else ""
        if self.before:
            function, parameters = self.before
            x = unary(to, function, x, *parameters, suffix=f"_{function}")
        x = to.emit(Quantize, x, suffix=suffix, format=self.format, rounding="half_even", lo=self.lo, hi=self.hi)
        return x if self.scale == 1 else _scaled(layer, to, x, self.scale)


@dataclass(frozen=True)
class Signs:
    """`below` under zero, else `above`, times a scale: binary numbers."""

    below: float
    above: float
    scale: float | tuple[float, ...] = 1.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.where(x < 0, self.below, self.above) * np.asarray(self.scale)

    def grid(self, quantized: np.ndarray) -> Format | None:
        return finest_grid(quantized)

    def emit(self, layer: Layer, x: Value, to: Builder) -> Value:
        below, above = to.constant([self.below], "_below"), to.constant([self.above], "_above")
        negative = unary(to, "negative", x, suffix="_negative")
        y = to.emit(Select, (negative, below, above))
        return y if self.scale == 1 else _scaled(layer, to, y, self.scale)


@dataclass(frozen=True)
class Thirds:
    """The sign where the magnitude reaches a threshold, else 0, times a scale: ternary numbers."""

    threshold: float
    scale: float | tuple[float, ...] = 1.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.sign(x) * (np.abs(x) >= np.float32(self.threshold)) * np.asarray(self.scale)

    def grid(self, quantized: np.ndarray) -> Format | None:
        return finest_grid(quantized)

    def emit(self, layer: Layer, x: Value, to: Builder) -> Value:
        channels = x.shape[-1]
        zero, up, down = (to.constant([n], suffix) for n, suffix in ((0, "_zero"), (1, "_up"), (-1, "_down")))
        limit = np.full(channels, np.float64(np.float32(self.threshold)))
        short = to.emit(Affine, x, suffix="_short", scale=-np.ones(channels), shift=limit)
        over = to.emit(Affine, x, suffix="_over", scale=np.ones(channels), shift=limit)
        plus = to.emit(Select, (short, zero, up), suffix="_plus")
        minus = to.emit(Select, (over, zero, down), suffix="_minus")
        y = binary_op(to, "add", plus, minus)
        return y if self.scale == 1 else _scaled(layer, to, y, self.scale)


@dataclass(frozen=True)
class PowersOfTwo:
    """Signed powers of two, the exponent rounded in the logarithm and clamped.

    Args:
        slope: None keeps the sign; else numbers below zero are first multiplied with it (0 makes them least).
    """

    least: int
    greatest: int
    max_value: float | None = None
    quadratic: bool = False
    floor: bool = False
    slope: float | None = None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = x.astype(np.float32)
        if self.slope is None:
            return np.where(x < 0, -1.0, 1.0) * self._power(np.abs(x))
        if self.slope == 0:
            return self._power(np.maximum(x, 0))
        return np.where(x >= 0, self._power(x), -self._power(np.maximum(-x, 0) * np.float32(self.slope)))

    def _power(self, magnitude: np.ndarray) -> np.ndarray:
        clipped = np.maximum(magnitude, EPSILON)
        if self.max_value is not None:
            clipped = np.minimum(clipped, np.float32(self.max_value))
        with np.errstate(divide="ignore"):
            logarithm = np.log(np.sqrt(clipped) if self.quadratic else clipped) / np.float32(np.log(2.0))
        exponent = np.clip(np.floor(logarithm) if self.floor else np.rint(logarithm), self.least, self.greatest)
        return 2.0 ** np.where(magnitude < EPSILON, self.least, exponent * (2 if self.quadratic else 1))

    def grid(self, quantized: np.ndarray) -> Format | None:
        return finest_grid(quantized)

    def emit(self, layer: Layer, x: Value, to: Builder) -> Value:
        raise layer.error("activation: quantized_po2 and quantized_relu_po2 are supported for weights alone")


@dataclass(frozen=True)
class Fitted:
    """A scale per channel that fits the weights best, freely or among the powers of two.

    Args:
        kind: What is scaled: whole numbers of `bits` bits, signs, or ternary numbers.
        channel_axis: The axis that has a scale for each of its entries.
        rounds: How often a ternary scale is fitted.
        zero_one: Signs of 0 and 1 instead of -1 and 1.
    """

    kind: Literal["bits", "binary", "ternary"]
    fit: Fit
    bits: int = 1
    integer: int = 0
    channel_axis: int | None = None
    rounds: int = 5
    zero_one: bool = False

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return getattr(self, f"_{self.kind}")(x.astype(np.float32)).astype(np.float64)

    def grid(self, quantized: np.ndarray) -> Format | None:
        return finest_grid(quantized)

    def emit(self, layer: Layer, x: Value, to: Builder) -> Value:
        raise layer.error(
            f"activation: a quantiser with alpha='{self.fit}' is not supported: its scale would follow the data",
            hint="Give alpha=1.",
        )

    def _over(self, x: np.ndarray) -> tuple[int, ...] | None:
        """The axes that share a scale; None where each number of a vector has its own."""
        own = x.ndim - 1 if self.channel_axis is None else self.channel_axis
        return tuple(axis for axis in range(x.ndim) if axis != own) if x.ndim > 1 else None

    def _scale(self, x: np.ndarray, q: np.ndarray) -> np.ndarray:
        """Least squares: the scale with which q comes closest to x."""
        over = self._over(x)
        xq = x * q if over is None else np.mean(x * q, axis=over, keepdims=True)
        qq = q * q if over is None else np.mean(q * q, axis=over, keepdims=True)
        return self._to_power(xq / (qq + EPSILON))

    def _to_power(self, scale: np.ndarray) -> np.ndarray:
        if self.fit == "auto":
            return scale
        return np.float32(2.0) ** np.rint(np.log(scale + EPSILON) / np.float32(np.log(2.0)))

    def _bits(self, x: np.ndarray) -> np.ndarray:
        unit = np.float32(2.0**self.integer)
        x = x / unit
        half = np.float32(2 ** (self.bits - 1) - 1)
        over = self._over(x)
        scale = self._to_power(np.max(np.abs(x), axis=(0,) if over is None else over, keepdims=True) / half)

        def whole(scale: np.ndarray) -> np.ndarray:
            return np.sign(x) * np.minimum(np.floor(np.abs(x) / scale + np.float32(0.5)), half)

        if self.fit == "auto":
            return unit * scale * whole(scale)
        for _ in range(5):
            z = whole(scale)
            scale = self._scale(x, z)
        return unit * scale * z

    def _binary(self, x: np.ndarray) -> np.ndarray:
        signs = np.where(x < 0, 0 if self.zero_one else -1, 1).astype(np.float32)
        return self._scale(x, signs) * signs

    def _ternary(self, x: np.ndarray) -> np.ndarray:
        scale = self._to_power(2 * np.max(np.abs(x), axis=self._over(x), keepdims=True) / np.float32(3))
        q = np.zeros_like(x)
        for _ in range(self.rounds):
            q = np.sign(x) * (np.abs(scale * np.rint(x / scale)) >= scale / 2)
            scale = self._scale(x, q)
        return scale * q


def _scaled(layer: Layer, to: Builder, x: Value, scale: float | tuple[float, ...]) -> Value:
    channels = x.shape[-1]
    if isinstance(scale, tuple) and len(scale) != channels:
        raise layer.error(f"activation: a quantiser has an alpha for {len(scale)} channels, not {channels}")
    factors = np.broadcast_to(np.asarray(scale, np.float64), (channels,)).copy()
    return to.emit(Affine, x, suffix="_scaled", scale=factors, shift=np.zeros(channels))
