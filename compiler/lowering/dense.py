"""Layers that are a product with a matrix: Dense, EinsumDense, and QKeras' QDense."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from compiler.ir.ops import MatMul
from compiler.ir.values import Value
from compiler.lowering import integer_weights
from compiler.lowering.activation import activate
from compiler.lowering.arithmetic import binary, reshape
from compiler.lowering.layer import Layer
from compiler.lowering.weights import read_weights


def dense(layer: Layer, x: Value) -> Value:
    """Keras' Dense over the channels, of a value of any rank."""
    return _dense(layer, x, quantized=False)


def quantized_dense(layer: Layer, x: Value) -> Value:
    """QKeras' QDense over the channels."""
    return _dense(layer, x, quantized=True)


def _dense(layer: Layer, x: Value, *, quantized: bool) -> Value:
    units = layer.size("units")
    layer.expect("lora_rank", None)
    if layer.integers:
        return _integer_dense(layer, x, units)
    layer.expect("quantization_config", None)
    weights = read_weights(layer, {"kernel": (x.shape[-1], units)}, units, quantized=quantized)
    y = layer.emit(
        MatMul,
        x,
        weights=weights["kernel"],
        bias=weights.bias(units),
        weights_format=weights.formats["kernel"],
        bias_format=weights.formats["bias"],
    )
    return activate(layer, y, layer.take("activation", None))


def _integer_dense(layer: Layer, x: Value, units: int) -> Value:
    """A Dense whose weights Keras has made integers of."""
    layer.ignore_training_of("kernel", "bias")
    bias = (units,) if layer.flag("use_bias") else None
    weights = integer_weights.read(layer, "kernel", (x.shape[-1], units), (units,), bias)
    bias = weights.get("bias", np.zeros(units))
    y = _integer_product(layer, x, 1, weights["kernel"], bias, (*x.shape[:-1], units))
    return activate(layer, y, layer.take("activation", None))


def _integer_product(
    layer: Layer, x: Value, axes: int, weights: np.ndarray, bias: np.ndarray, shape: Sequence[int | None]
) -> Value:
    """The product over the last axes, what is read rounded where the file says so; bias in the shape of new axes."""
    rounded = integer_weights.rounded_inputs(layer)
    if rounded is None:
        y = layer.emit(MatMul, x, weights=weights, bias=bias.reshape(-1), axes=axes)
        return reshape(layer, y, shape)
    y = rounded.product(layer, x, range(len(x.shape) - axes, len(x.shape)), weights, shape)
    return binary(layer, "add", y, layer.constant(bias, "_bias"), "_biased") if np.any(bias) else y


def einsum_dense(layer: Layer, x: Value) -> Value:
    """Keras' EinsumDense where it is a product with a matrix: the last axes of the input become new ones."""
    layer.expect("lora_rank", None)
    layer.ignore_training_of("kernel", "bias")
    kept, contracted, order, new = _equation(layer, x)
    rows = dict(zip(contracted, x.shape[kept:], strict=True))
    columns = dict(zip(new, _new_sizes(layer, len(new)), strict=True))
    output = (*x.shape[:kept], *columns.values())
    bias_axes, bias_shape = layer.take("bias_axes", None), ()
    if bias_axes:
        bias_shape = _bias_shape(layer, bias_axes, new, output)
    shape = [(rows | columns)[letter] for letter in order]
    if layer.integers:
        if order != contracted + new or not len(contracted) == len(new) == 1:
            raise layer.error(f"dtype: weights in {layer.integers} with the equation {layer.take('equation')!r}")
        scales = (*[1] * (len(output) + 1 - len(new)), *shape[1:]) if layer.integers == "int8" else shape[1:]
        weights = integer_weights.read(layer, "kernel", shape, scales, bias_shape if bias_axes else None)
    else:
        layer.expect("quantization_config", None)
        weights = layer.weights({"kernel": shape} | ({"bias": bias_shape} if bias_axes else {}))
    matrix = np.einsum(f"{order}->{contracted}{new}", weights["kernel"])
    matrix = matrix.reshape(math.prod(rows.values()), math.prod(columns.values()))
    bias = np.zeros(output[kept:])
    inside = len(bias_shape) <= len(new)
    if bias_axes and inside:
        bias = bias + weights["bias"]
    if layer.integers:
        y = _integer_product(layer, x, len(contracted), matrix, bias, output)
    else:
        y = layer.emit(MatMul, x, weights=matrix, bias=bias.reshape(-1), axes=len(contracted))
        y = reshape(layer, y, output)
    if bias_axes and not inside:
        y = binary(layer, "add", y, layer.constant(weights["bias"], "_bias"))
    return activate(layer, y, layer.take("activation", None))


def _equation(layer: Layer, x: Value) -> tuple[int, str, str, str]:
    """How many axes stay, the letters that are contracted, the kernel's letters, and the letters that are new."""
    equation = layer.take("equation")
    refusal = layer.error(
        f"equation={equation!r} is not supported",
        hint="Supported: the last axes of the input contracted with the kernel, as in 'abc,cd->abd'.",
    )
    try:
        operands, output = str(equation).replace(" ", "").split("->")
        inputs, kernel = operands.split(",")
    except ValueError:
        raise refusal from None
    if inputs.startswith("...") and output.startswith("..."):
        inputs, output = inputs[3:], output[3:]
        kept_letters = ""
    else:
        kept_letters = "".join(letter for letter in inputs if letter not in kernel)
        if len(inputs) != len(x.shape) + 1 or not kept_letters:
            raise refusal
    contracted = inputs.removeprefix(kept_letters)
    new = output.removeprefix(kept_letters)
    fine = contracted and new and inputs == kept_letters + contracted and output == kept_letters + new
    letters = contracted + new
    if (
        not fine
        or sorted(kernel) != sorted(letters)
        or len(set(kernel)) != len(kernel)
        or not (letters.isascii() and letters.isalpha())
    ):
        raise refusal
    if set(kept_letters) & set(letters) or len(contracted) > len(x.shape):
        raise refusal
    return len(x.shape) - len(contracted), contracted, kernel, new


def _new_sizes(layer: Layer, count: int) -> tuple[int, ...]:
    shape = layer.take("output_shape")
    listed = list(shape) if isinstance(shape, list | tuple) else [shape]
    if len(listed) < count or not all(type(n) is int and n > 0 for n in listed[-count:]):
        raise layer.error(f"output_shape={shape!r} does not say how long the {count} new axes are")
    return tuple(listed[-count:])


def _bias_shape(layer: Layer, bias_axes: str, new: str, output: tuple[int | None, ...]) -> tuple[int, ...]:
    """From the first axis that the bias has to the last of the output; 1 where it has none."""
    letters = str(layer.take("equation")).replace(" ", "").split("->")[1].replace("...", "")
    if not isinstance(bias_axes, str) or not set(bias_axes) <= set(letters):
        raise layer.error(f"bias_axes={bias_axes!r} are not among the axes of the output")
    first = min(letters.index(letter) for letter in bias_axes)
    sizes = (None,) * (len(letters) - len(output)) + output[-len(letters) :]
    shape = tuple(n if letter in bias_axes else 1 for letter, n in list(zip(letters, sizes, strict=True))[first:])
    if None in shape:
        raise layer.error(f"bias_axes={bias_axes!r} run along the batch, or along a time of unknown length")
    return shape
