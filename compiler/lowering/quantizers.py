"""QKeras' quantisers, read from their configuration or their text. Nothing is evaluated.

What they compute stands in quantizer_rules.py.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from compiler.ir import numerics
from compiler.ir.numerics import Format
from compiler.lowering import nearest
from compiler.lowering.layer import Layer
from compiler.lowering.quantizer_rules import Fitted, PowersOfTwo, Quantizer, Signs, Thirds, Uniform

Arguments = Mapping[str, Any]

# Arguments in QKeras' order, with their defaults.
_BITS = {"bits": 8, "integer": 0, "symmetric": 0, "keep_negative": True, "alpha": None}
_BITS |= {"use_stochastic_rounding": False, "scale_axis": None, "qnoise_factor": 1.0}
_RELU = {"bits": 8, "integer": 0, "use_sigmoid": 0, "negative_slope": 0.0, "use_stochastic_rounding": False}
_RELU |= {"relu_upper_bound": None, "is_quantized_clip": True, "qnoise_factor": 1.0}
_PO2 = {"use_stochastic_rounding": False, "quadratic_approximation": False, "log2_rounding": "rnd"}
_PO2 |= {"qnoise_factor": 1.0}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "quantized_bits": _BITS,
    "quantized_relu": _RELU,
    "quantized_po2": {"bits": 8, "max_value": None, **_PO2},
    "quantized_relu_po2": {"bits": 8, "max_value": None, "negative_slope": 0, **_PO2},
    "ternary": {"alpha": None, "threshold": None, "use_stochastic_rounding": False, "number_of_unrolls": 5},
    "binary": {"use_01": False, "alpha": None, "use_stochastic_rounding": False},
    "quantized_tanh": {"bits": 8, "use_stochastic_rounding": False, "symmetric": False, "use_real_tanh": False},
    "quantized_sigmoid": {"bits": 8, "symmetric": False, "use_real_sigmoid": False, "use_stochastic_rounding": False},
}
NAMES = tuple(_ARGUMENTS)
# Either way of passing gradients gives the same numbers, and at inference nothing is stochastic.
_TRAINING_ONLY = {"var_name", "use_ste", "use_variables"}
WIDEST = 31  # bits beside the sign


def is_quantizer(value: Any) -> bool:
    """Whether an `activation` key looks like a quantiser, supported or not."""
    if isinstance(value, Mapping):
        return isinstance(value.get("config"), Mapping)
    return isinstance(value, str) and ("(" in value or value in NAMES)


def read(layer: Layer, key: str, value: Any, *, trained: bool = False) -> Quantizer | None:
    """The quantiser that a configuration key holds: text, a serialised object or None.

    Args:
        trained: It works on a kernel, where QKeras takes a missing alpha for 'auto_po2'.

    Raises:
        CompileError: Naming layer and key, when it is unknown or has an argument that is not supported.
    """
    if value is None:
        return None
    name, arguments = _call(layer, key, value)
    if name not in _ARGUMENTS:
        raise layer.error(f"{key}={value!r}: the quantiser {name} is not supported", hint=nearest.hint(name, NAMES))
    defaults = _ARGUMENTS[name]
    for argument in sorted(arguments.keys() - defaults.keys() - _TRAINING_ONLY):
        if arguments[argument] is not None:
            raise layer.error(f"{key}: {name} has an argument '{argument}', which is not supported")
        layer.note(f"{key}: {name} has an argument '{argument}', which is unknown here and was ignored: it is None")
    given = _Given(layer, f"{key}: {name}", defaults | arguments)
    given.expect("qnoise_factor", 1.0)
    if trained and given.has("alpha", None) and name != "quantized_relu":
        given = given.but(alpha="auto_po2")
    return _READERS[name](given)


class _Given:
    """The arguments of one quantiser, and errors that name them."""

    def __init__(self, layer: Layer, who: str, arguments: Arguments) -> None:
        self.layer, self.who, self.arguments = layer, who, arguments

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def has(self, name: str, value: Any) -> bool:
        return name in self.arguments and self.arguments[name] == value

    def but(self, **changed: Any) -> _Given:
        return _Given(self.layer, self.who, {**self.arguments, **changed})

    def refuse(self, name: str, hint: str | None = None) -> Exception:
        return self.layer.error(f"{self.who} with {name}={self.arguments[name]!r} is not supported", hint=hint)

    def expect(self, name: str, wanted: Any) -> None:
        if name in self.arguments and self.arguments[name] != wanted:
            raise self.refuse(name)

    def integer(self, name: str) -> int:
        value = self.arguments[name]
        if not isinstance(value, int | float) or not abs(value) <= 64 or value != int(value):
            raise self.layer.error(f"{self.who}: {name}={value!r} is not a whole number")
        return int(value)

    def number(self, name: str, least: float = -math.inf) -> float:
        value = self.arguments[name]
        if not isinstance(value, int | float) or not math.isfinite(value) or value < least:
            raise self.refuse(name)
        return float(value)

    def optional(self, name: str, least: float = 0.0) -> float | None:
        return None if self.arguments[name] is None else self.number(name, least)

    def scale(self) -> float | tuple[float, ...]:
        """alpha: one number, or a list with one for each channel; none means 1."""
        alpha = self.arguments["alpha"]
        listed = alpha if isinstance(alpha, list | tuple) else [1.0 if alpha is None else alpha]
        if not all(isinstance(n, int | float) and math.isfinite(n) for n in listed) or not listed:
            raise self.refuse("alpha", "Give a number, 'auto' or 'auto_po2'.")
        return tuple(map(float, listed)) if len(listed) > 1 else float(listed[0])

    @property
    def fitted(self) -> bool:
        return self.arguments["alpha"] in ("auto", "auto_po2")


def _bits(given: _Given) -> Quantizer:
    bits, integer = given.integer("bits"), given.integer("integer")
    signed = bool(given["keep_negative"])
    if given.fitted:
        axis = None if given["scale_axis"] is None else given.integer("scale_axis")
        if not 2 <= bits <= WIDEST:
            raise given.refuse("bits")
        return Fitted("bits", given["alpha"], bits, integer, channel_axis=axis)
    if bits == signed:
        return Signs(-1.0 if signed else 0.0, 1.0, given.scale())
    format, lo, hi = _grid(given, bits - signed, integer)
    if signed:
        lo = -hi - 1 + bool(given["symmetric"])
        format = Format(True, numerics.signed_width(lo, hi), format.fraction)
    return Uniform(format, lo, hi, scale=given.scale())


def _relu(given: _Given) -> Quantizer:
    if given["use_sigmoid"]:
        raise given.refuse("use_sigmoid")
    slope = given.number("negative_slope", 0.0)
    format, lo, hi = _grid(given, given.integer("bits") - bool(slope), given.integer("integer"))
    bound = given.optional("relu_upper_bound")
    if bound and not given["is_quantized_clip"]:
        units = bound * 2.0**format.fraction
        if units != int(units):
            raise given.refuse("relu_upper_bound", "Give a bound that lies on the grid.")
        hi = min(hi, int(units))
    if not slope:
        return Uniform(format, lo, hi)
    lo = -slope * (1 << (given.integer("bits") - 1))
    if lo != int(lo) or math.frexp(slope)[0] != 0.5:
        raise given.refuse("negative_slope", "Give a power of two that lies on the grid.")
    format = Format(True, numerics.signed_width(int(lo), hi), format.fraction)
    return Uniform(format, int(lo), hi, before=("leaky_relu", (slope,)))


def _tanh(given: _Given) -> Quantizer:
    format, _, hi = _grid(given, given.integer("bits") - 1, 0)
    lo = -hi - 1 + bool(given["symmetric"])
    format = Format(True, numerics.signed_width(lo, hi), format.fraction)
    return Uniform(format, lo, hi, before=("tanh" if given["use_real_tanh"] else "hard_tanh", ()))


def _sigmoid(given: _Given) -> Quantizer:
    format, _, hi = _grid(given, given.integer("bits"), 0)
    # QKeras' own sigmoid is a line from -1 to 1.
    function = "sigmoid" if given["use_real_sigmoid"] else "sparse_sigmoid"
    return Uniform(format, int(bool(given["symmetric"])), hi, before=(function, ()))


def _grid(given: _Given, bits: int, integer: int) -> tuple[Format, int, int]:
    """Numbers from 0 up. Every value is kept as a signed number, so an unsigned grid costs one bit more."""
    if not 1 <= bits <= WIDEST:
        raise given.refuse("bits")
    hi = (1 << bits) - 1
    return Format(True, numerics.signed_width(0, hi), bits - integer), 0, hi


def _po2(given: _Given) -> Quantizer:
    return _powers(given, given.integer("bits") - 1, None)


def _relu_po2(given: _Given) -> Quantizer:
    return _powers(given, given.integer("bits"), given.number("negative_slope", 0.0))


def _powers(given: _Given, bits: int, slope: float | None) -> Quantizer:
    limit, quadratic = given.optional("max_value"), bool(given["quadratic_approximation"])
    if given["log2_rounding"] not in ("rnd", "floor"):
        raise given.refuse("log2_rounding")
    # An exponent that may be positive needs a sign.
    bits -= limit is None or limit > 1
    if not 0 <= bits <= 7:
        raise given.refuse("bits")
    greatest = (1 << bits) - 1
    greatest = 2 * (greatest // 2) if quadratic else greatest
    return PowersOfTwo(-(1 << bits), greatest, limit, quadratic, given["log2_rounding"] == "floor", slope)


def _ternary(given: _Given) -> Quantizer:
    if given.fitted:
        given.expect("threshold", None)
        return Fitted("ternary", given["alpha"], rounds=given.integer("number_of_unrolls"))
    threshold = given.optional("threshold")
    return Thirds(0.33 if threshold is None else threshold, given.scale())


def _binary(given: _Given) -> Quantizer:
    if given.fitted:
        return Fitted("binary", given["alpha"], zero_one=bool(given["use_01"]))
    return Signs(0.0 if given["use_01"] else -1.0, 1.0, given.scale())


_READERS: dict[str, Callable[[_Given], Quantizer]] = {
    "quantized_bits": _bits,
    "quantized_relu": _relu,
    "quantized_po2": _po2,
    "quantized_relu_po2": _relu_po2,
    "ternary": _ternary,
    "binary": _binary,
    "quantized_tanh": _tanh,
    "quantized_sigmoid": _sigmoid,
}


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
