"""Weights that Keras has made integers of: `model.quantize("int8")` and `("int4")`.

Layers keep integers with a scale for each output, or for each group of inputs (int4 with a `block_size`), and in int8
also round what they read, to 127 steps of the greatest magnitude there. The graph has that arithmetic in real numbers;
the rounding is a quantiser on the grid of whole numbers.

Reference: keras.quantizers of Keras 3.15, "8-bit Integer Quantization in Keras" and "4-bit ..." (keras.io/guides).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.ir.numerics import Format
from compiler.ir.ops import MatMul, Quantize
from compiler.ir.values import Value
from compiler.lowering.arithmetic import binary, reduce, reshape, unary
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer

GREATEST = 127  # in magnitude, of what an input is rounded to
FLOAT = "Quantise with model.quantize('int8') or ('int4'), or save the model before it is quantised."


@dataclass(frozen=True)
class Rounded:
    """How a layer rounds what it reads: to whole numbers of -127 to 127, 127 being its greatest magnitude + epsilon."""

    epsilon: float

    def product(self, to: Builder, x: Value, axes: Sequence[int], weights: np.ndarray, shape: Sequence) -> Value:
        """The product of the rounded x with weights, scaled back.

        Args:
            axes: The last axes of x, which share one scale and are contracted.
            weights: (rows, columns).
            shape: Of the output, whose new axes take the place of `axes`.
        """
        most = reduce(to, "max", unary(to, "absolute", x, suffix="_magnitude"), axes, suffix="_greatest")
        most = binary(to, "add", most, to.constant([self.epsilon], "_epsilon"), "_most")
        scale = binary(to, "divide", to.constant([float(GREATEST)], "_steps"), most, "_scale")
        whole = to.emit(
            Quantize,
            binary(to, "multiply", x, scale, "_scaled"),
            suffix="_whole",
            format=Format(True, 8, 0),
            rounding="half_even",
            lo=-GREATEST,
            hi=GREATEST,
        )
        bias = np.zeros(weights.shape[1])
        y = to.emit(MatMul, whole, suffix="_product", weights=weights, bias=bias, axes=len(axes))
        y = reshape(to, y, shape, "_shaped")
        kept = len(x.shape) - len(axes)
        scale = reshape(to, scale, (*x.shape[:kept], *[1] * (len(shape) - kept)), "_scales")
        return binary(to, "divide", y, scale, "_unscaled")


def read(layer: Layer, name: str, shape: Sequence[int], scales: Sequence[int], bias: Sequence[int] | None) -> Mapping:
    """A layer's weights, as real numbers.

    Args:
        name: Of the matrix: "kernel" or "embeddings".
        shape: Its shape, (rows, columns); Keras shares scales along rows, of an embedding along columns.
        scales: The shape of its scale where there is one for each output.
        bias: The bias' shape; None where there is none.

    Returns:
        `name`, and "bias" where there is one.

    Raises:
        CompileError: Integers that do not fit their shapes, or groups that are none.
    """
    mode, _, block = (layer.integers or "").partition("/")
    rows, columns = shape
    grouped = mode == "int4" and block not in ("", "-1")
    along = 1 if name == "embeddings" else 0
    groups = -(-shape[along] // _block(layer, block)) if grouped else 0
    parts = (rows, groups) if along else (groups, columns)
    wanted = {
        name: (rows, -(-columns // 2)) if mode == "int4" else (rows, columns),
        **({"bias": tuple(bias)} if bias is not None else {}),
        f"{name}_scale": parts if grouped else tuple(scales),
        **({f"{name}_zero": parts, "g_idx": (shape[along],)} if grouped else {}),
    }
    arrays = layer.weights(_in_order_of_file(layer, wanted))
    integers = arrays[name]
    if np.any(integers != np.clip(np.rint(integers), -128, 127)):
        raise layer.error(f"'{name}' holds numbers that are no integers of 8 bits")
    if mode == "int4":
        integers = unpacked(integers.astype(np.int64))[:, :columns]
    scale = arrays[f"{name}_scale"]
    if grouped:
        group = arrays["g_idx"]
        if np.any(group != np.clip(np.rint(group), 0, groups - 1)):
            raise layer.error(f"'g_idx' names groups that are not there; there are {groups}")
        of = group.astype(np.int64)
        zero = arrays[f"{name}_zero"]
        real = (integers - np.take(zero, of, axis=along)) * np.take(scale, of, axis=along)
    else:
        if np.any(scale == 0):
            raise layer.error(f"'{name}_scale' holds a zero, and the integers are divided by it")
        real = integers / (scale.reshape(-1, 1) if along else scale.reshape(1, -1))
    return {name: real} | ({"bias": arrays["bias"]} if bias is not None else {})


def unpacked(packed: np.ndarray) -> np.ndarray:
    """Two numbers of -8 to 7 out of each byte, the lower half first: (rows, n) -> (rows, 2 n)."""
    halves = np.stack([packed & 15, packed >> 4 & 15], axis=-1)
    return ((halves ^ 8) - 8).reshape(len(packed), -1)


def rounded_inputs(layer: Layer) -> Rounded | None:
    """How the layer rounds what it reads; None where it does not.

    Raises:
        CompileError: A quantiser of another kind.
    """
    config = _inner(layer.take("quantization_config", None))
    mode = (layer.integers or "").partition("/")[0]
    quantizer = config.get("activation_quantizer", None)
    if not config and mode == "int8":  # Keras before 3.13 wrote no configuration: this is what it did
        return Rounded(1e-7)
    if quantizer is None:
        return None
    inner = _inner(quantizer)
    bounds = inner.get("value_range")
    epsilon = inner.get("epsilon")
    if (
        quantizer.get("class_name") != "AbsMaxQuantizer"
        or list(bounds or ()) != [-GREATEST, GREATEST]
        or inner.get("axis") not in (None, -1, [-1])
        or not (isinstance(epsilon, float) and 0 < epsilon < 1)
    ):
        what = f"quantization_config: the quantiser {str(quantizer)[:120]} of activations is not supported"
        raise layer.error(what, hint="Supported: AbsMaxQuantizer from -127 to 127, and None.")
    return Rounded(epsilon)


def _in_order_of_file(layer: Layer, wanted: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """`.keras` has a bias behind the kernel, and `.h5`, which has what was trained first, in front of it."""
    first = layer.first_weight()
    if "bias" in wanted and first is not None and first.dtype.kind == "f":
        return {"bias": wanted["bias"], **wanted}
    return wanted


def _block(layer: Layer, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise layer.error(f"dtype: {layer.integers!r} does not say how many inputs share a scale")
    return int(text)


def _inner(serialized: object) -> Mapping:
    config = serialized.get("config") if isinstance(serialized, Mapping) else None
    return config if isinstance(config, Mapping) else {}
