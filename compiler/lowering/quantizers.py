"""QKeras' quantisers, from their configuration or their text, as grids to round to. Nothing is evaluated.

What they compute stands in QKeras 0.9 (Coelho et al. 2021, "Automatic heterogeneous quantization of deep
neural networks"): rint(x * 2**fraction), half to even, clamped.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler import numerics
from compiler.lowering.layer import Layer
from compiler.numerics import Format

# Arguments in QKeras' order, with their defaults.
_BITS = {"bits": 8, "integer": 0, "symmetric": 0, "keep_negative": True, "alpha": None}
_BITS |= {"use_stochastic_rounding": False, "scale_axis": None, "qnoise_factor": 1.0}
_RELU = {"bits": 8, "integer": 0, "use_sigmoid": 0, "negative_slope": 0.0, "use_stochastic_rounding": False}
_RELU |= {"relu_upper_bound": None, "is_quantized_clip": True, "qnoise_factor": 1.0}
_ARGUMENTS: dict[str, dict[str, Any]] = {"quantized_bits": _BITS, "quantized_relu": _RELU}
NAMES = tuple(_ARGUMENTS)
# Either way of passing gradients gives the same numbers.
_TRAINING_ONLY = {"var_name", "use_ste", "use_variables"}


@dataclass(frozen=True)
class Quantizer:
    """Round half to even to the grid of `format`, then clamp to [lo, hi] units of it."""

    format: Format
    lo: int
    hi: int

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Real numbers rounded to the grid, as float64."""
        return numerics.dequantize(numerics.quantize(x, self.format, "half_even", self.lo, self.hi), self.format)


def read(layer: Layer, key: str, value: Any) -> Quantizer | None:
    """The quantiser that a configuration key holds: text, a serialised object or None.

    Raises:
        CompileError: Naming layer and key, when it is unknown or has an argument that is not supported.
    """
    if value is None:
        return None
    name, arguments = _call(layer, key, value)
    if name not in _ARGUMENTS:
        raise layer.error(
            f"{key}={value!r}: the quantiser {name} is not supported", hint=f"Supported: {', '.join(NAMES)}."
        )
    defaults = _ARGUMENTS[name]
    for argument in arguments.keys() - defaults.keys() - _TRAINING_ONLY:
        raise layer.error(f"{key}: {name} has an argument '{argument}', which is not supported")
    given = defaults | arguments
    # Read here; everything else has to stand at its default.
    own = (
        {"bits", "integer", "symmetric", "keep_negative", "alpha"} if name == "quantized_bits" else {"bits", "integer"}
    )
    if name == "quantized_bits" and given["alpha"] not in (None, 1):
        raise layer.error(
            f"{key}: {name} with alpha={given['alpha']!r} is not supported",
            hint="Give alpha=1: without it, QKeras turns a kernel's quantiser into auto_po2.",
        )
    for argument in defaults.keys() - own:
        if given[argument] != defaults[argument]:
            raise layer.error(f"{key}: {name} with {argument}={given[argument]!r} is not supported")
    bits, integer = _integer(layer, key, "bits", given), _integer(layer, key, "integer", given)
    signed = name == "quantized_bits" and bool(given["keep_negative"])
    unsigned_bits = bits - signed
    if not 1 <= unsigned_bits <= 31:
        raise layer.error(f"{key}: {name} of {bits} bits is not supported")
    hi = (1 << unsigned_bits) - 1
    lo = (-hi - 1 + bool(given["symmetric"])) if signed else 0
    # Every value is kept as a signed number, so an unsigned grid costs one bit more.
    return Quantizer(Format(True, numerics.signed_width(lo, hi), unsigned_bits - integer), lo, hi)


def _integer(layer: Layer, key: str, argument: str, given: Mapping[str, Any]) -> int:
    value = given[argument]
    if not isinstance(value, int | float) or value != int(value) or abs(value) > 64:
        raise layer.error(f"{key}: {argument}={value!r} is not a whole number")
    return int(value)


def _call(layer: Layer, key: str, value: Any) -> tuple[str, dict[str, Any]]:
    """Name and arguments of a quantiser."""
    if isinstance(value, Mapping):
        config = value.get("config")
        return str(value.get("class_name")), dict(config) if isinstance(config, Mapping) else {}
    if not isinstance(value, str):
        raise layer.error(f"{key}={value!r} is no quantiser")
    try:
        tree = ast.parse(value, mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, {}
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise ValueError
        name = tree.func.id
        positional = [ast.literal_eval(argument) for argument in tree.args]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in tree.keywords}
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise layer.error(f"{key}={value!r} cannot be read as a quantiser") from None
    order = list(_ARGUMENTS.get(name, {}))
    if len(positional) > len(order) and name in _ARGUMENTS:
        raise layer.error(f"{key}={value!r} has too many arguments")
    return name, dict(zip(order, positional, strict=False)) | named
