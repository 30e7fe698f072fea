"""Operators that compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler.ir.ops import Affine, Binary, BinaryFunction, Dot, MatMul, Transpose
from compiler.ir.reductions import ReduceFunction
from compiler.ir.values import Value
from compiler.lowering.arithmetic import binary, reduce, reshape, softmax, unary
from compiler.lowering.normalization import EPSILON, unit_length
from compiler.lowering.operators.operator import Operator
from compiler.lowering.shapes import axes_of

LARGEST_POWER = 16


def combine(op: Operator, function: BinaryFunction, a: Any, b: Any) -> Value:
    """Two operands, element by element. What is a line along the channels becomes one, which other passes can fold."""
    first, second = op.operand(a), op.operand(b)
    if isinstance(first, Value) and not isinstance(second, Value):
        line = _line(op, function, first, op.fitted(second, len(first.shape)), reverse=False)
    elif isinstance(second, Value) and not isinstance(first, Value):
        line = _line(op, function, second, op.fitted(first, len(second.shape)), reverse=True)
    else:
        line = None
    if line is not None:
        return line
    values = op.together(first, second)
    return op.emit(Binary, values, function=function)


def _line(op: Operator, function: BinaryFunction, x: Value, c: np.ndarray, *, reverse: bool) -> Value | None:
    """x and numbers as x * scale + shift along the last axis; None where it is none."""
    # A value of rank 1 may be time without channels.
    channels = x.shape[-1] if len(x.shape) > 1 else None
    if channels is None or c.shape not in ((), (1,), (channels,)):
        return None
    c, one, zero = np.broadcast_to(c, channels), np.ones(channels), np.zeros(channels)
    match function:
        case "add":
            scale, shift = one, c
        case "subtract":
            scale, shift = (-one, c) if reverse else (one, -c)
        case "multiply":
            scale, shift = c, zero
        case "divide" if not reverse and np.all(np.abs(c) > np.finfo(np.float32).tiny):
            scale, shift = 1 / c, zero
        case _:
            return None
    return op.emit(Affine, x, scale=np.array(scale), shift=np.array(shift))


def _binary(function: BinaryFunction) -> Callable[..., Value]:
    return lambda op, a, b: combine(op, function, a, b)


def _unary(function: str, *parameters: float) -> Callable[..., Value]:
    return lambda op, x: unary(op, function, op.tensor(x), *parameters)


def _with(function: str, **parameters: float) -> Callable[..., Value]:
    """A function whose parameters stand in the configuration; here are their defaults."""

    def lower(op: Operator, x: Any) -> Value:
        return unary(op, function, op.tensor(x), *(op.number(key, default) for key, default in parameters.items()))

    return lower


def _relu(op: Operator, x: Any) -> Value:
    limit = np.inf if op.take("max_value", None) is None else op.number("max_value", 0.0)
    slope, threshold = op.number("negative_slope", 0.0), op.number("threshold", 0.0)
    if (slope, threshold, limit) == (0.0, 0.0, np.inf):
        return unary(op, "relu", op.tensor(x))
    return unary(op, "relu_general", op.tensor(x), slope, limit, threshold)


def _gelu(op: Operator, x: Any) -> Value:
    return unary(op, "gelu_tanh" if op.flag("approximate", True) else "gelu", op.tensor(x))


def _power(op: Operator, x: Any, exponent: Any) -> Value:
    x, e = op.tensor(x), op.operand(exponent)
    n = float(e) if isinstance(e, np.ndarray) and e.ndim == 0 else np.nan
    known = {2.0: ("square", ()), -1.0: ("reciprocal", ()), 0.5: ("sqrt", ()), -0.5: ("rsqrt", (0.0,))}
    if n in known:
        function, parameters = known[n]
        return unary(op, function, x, *parameters)
    if n != int(n if np.isfinite(n) else -1) or not 1 <= n <= LARGEST_POWER:
        raise op.error(f"the exponent {exponent!r} is not supported", hint="Supported: 1 to 16, 0.5, -0.5 and -1.")
    y = x
    for _ in range(int(n) - 1):
        y = binary(op, "multiply", y, x)
    return y


def _reduce(function: ReduceFunction) -> Callable[..., Value]:
    def lower(op: Operator, x: Any) -> Value:
        x, keepdims = op.tensor(x), op.flag("keepdims", False)
        op.expect("initial", None)
        return reduce(op, function, x, _axes(op, x), keepdims=keepdims)

    return lower


def _axes(op: Operator, x: Value) -> tuple[int, ...]:
    if op.take("axis", None) is None:
        raise op.error("axis=None goes over the batch too", hint="Name the axes; 0 is the batch.")
    return axes_of(op, x)


def _variance(op: Operator, x: Any) -> Value:
    x, keepdims, axes = op.tensor(x), op.flag("keepdims", False), _axes(op, op.tensor(x))
    centred = binary(op, "subtract", x, reduce(op, "mean", x, axes, suffix="_mean"), "_centred")
    return reduce(op, "mean", unary(op, "square", centred, suffix="_squares"), axes, keepdims=keepdims)


def _deviation(op: Operator, x: Any) -> Value:
    return unary(op, "sqrt", _variance(op, x), suffix="_root")


def _softmax(op: Operator, x: Any) -> Value:
    x = op.tensor(x)
    return softmax(op, x, axes_of(op, x))


def _log_softmax(op: Operator, x: Any) -> Value:
    x = op.tensor(x)
    return softmax(op, x, axes_of(op, x), logarithm=True)


def _log_sum_exp(op: Operator, x: Any) -> Value:
    x, keepdims = op.tensor(x), op.flag("keepdims", False)
    axes = _axes(op, x)
    # The greatest goes first, so that nothing overflows, and comes back after the logarithm.
    lowered = binary(op, "subtract", x, reduce(op, "max", x, axes, suffix="_max"), "_lowered")
    total = reduce(op, "sum", unary(op, "exp", lowered, suffix="_exp"), axes, keepdims=keepdims, suffix="_sum")
    greatest = reduce(op, "max", x, axes, keepdims=keepdims, suffix="_greatest")
    return binary(op, "add", unary(op, "log", total, suffix="_log"), greatest)


def _dot(op: Operator, a: Any, b: Any) -> Value:
    """The product of matrices: of two values, or of a value with numbers."""
    x, y = op.tensor(a), op.operand(b)
    if isinstance(y, Value) and {x.name, y.name} <= op.conditions:
        raise op.error("is of conditions alone, which Keras does not count", hint="Multiply one of them by 1.0 first.")
    if op.flag("transpose_a", False):
        x = _turned(op, x)
    turned = op.flag("transpose_b", False)
    if isinstance(y, np.ndarray):
        weights = op.fitted(y, 2).T if turned else op.fitted(y, 2)
        if weights.ndim != 2 or weights.shape[0] != x.shape[-1]:
            raise op.error(f"a value of shape {x.shape} times numbers of shape {y.shape}")
        columns = weights.shape[1]
        return op.emit(MatMul, x, weights=np.array(weights), bias=np.zeros(columns))
    columns = y if turned else _turned(op, y)
    fits = len(x.shape) == len(columns.shape) >= 2 and x.shape[:-2] == columns.shape[:-2]
    if not fits or x.shape[-1] is None or x.shape[-1] != columns.shape[-1]:
        raise op.error(f"values of shape {x.shape} and {y.shape} have no product")
    return op.emit(Dot, (x, columns))


def _turned(op: Operator, x: Value) -> Value:
    """The last two axes exchanged."""
    rank = len(x.shape)
    if rank < 2:
        raise op.error(f"a value of shape {x.shape} is no matrix")
    order = (*range(rank - 2), rank - 1, rank - 2)
    return op.emit(Transpose, x, suffix="_turned", permutation=order)


def _normalize(op: Operator, x: Any) -> Value:
    """x over its length along some axes, which counts as `epsilon` where it is less."""
    op.expect("order", 2)
    epsilon = EPSILON if op.take("epsilon", None) is None else op.number("epsilon", EPSILON)
    return _to_length_one(op, op.tensor(x), epsilon)


def _l2_normalize(op: Operator, x: Any) -> Value:
    """The same in TensorFlow, whose `epsilon` is a square."""
    return _to_length_one(op, op.tensor(x), max(op.number("epsilon", 1e-12), 0.0) ** 0.5)


def _to_length_one(op: Operator, x: Value, epsilon: float) -> Value:
    if not epsilon > 0:
        raise op.error("epsilon is not above 0")
    return unit_length(op, x, _axes(op, x), epsilon)


def _same(op: Operator, x: Any) -> Value:
    return reshape(op, op.tensor(x), op.tensor(x).shape)


OPERATORS: dict[str, Callable[..., Value]] = {
    "Add": _binary("add"),
    "Subtract": _binary("subtract"),
    "Multiply": _binary("multiply"),
    "Divide": _binary("divide"),
    "TrueDivide": _binary("divide"),
    "Maximum": _binary("maximum"),
    "Minimum": _binary("minimum"),
    "Power": _power,
    "Negative": _unary("negative"),
    "Absolute": _unary("absolute"),
    "Abs": _unary("absolute"),
    "Exp": _unary("exp"),
    "Log": _unary("log"),
    "Sqrt": _unary("sqrt"),
    "Rsqrt": _unary("rsqrt", 0.0),
    "Square": _unary("square"),
    "Reciprocal": _unary("reciprocal"),
    "Sin": _unary("sin"),
    "Cos": _unary("cos"),
    "Tanh": _unary("tanh"),
    "Sigmoid": _unary("sigmoid"),
    "Relu": _unary("relu"),
    "ReLU": _relu,
    "Relu6": _unary("clip", 0.0, 6.0),
    "LeakyRelu": _with("leaky_relu", negative_slope=0.2),
    "Elu": _with("elu", alpha=1.0),
    "Selu": _unary("selu"),
    "Celu": _with("celu", alpha=1.0),
    "Gelu": _gelu,
    "Silu": _unary("silu"),
    "Softplus": _unary("softplus"),
    "Softsign": _unary("softsign"),
    "SoftShrink": _with("soft_shrink", threshold=0.5),
    "HardShrink": _with("hard_shrink", threshold=0.5),
    "TanhShrink": _unary("tanh_shrink"),
    "SparsePlus": _unary("sparse_plus"),
    "SparseSigmoid": _unary("sparse_sigmoid"),
    "Squareplus": _with("squareplus", b=4.0),
    "HardSigmoid": _unary("hard_sigmoid"),
    "HardSilu": _unary("hard_silu"),
    "HardTanh": _unary("hard_tanh"),
    "LogSigmoid": _unary("log_sigmoid"),
    "Threshold": _with("threshold", threshold=0.0, default_value=0.0),
    "Clip": _with("clip", x_min=-np.inf, x_max=np.inf),
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "Logsumexp": _log_sum_exp,
    "Sum": _reduce("sum"),
    "Mean": _reduce("mean"),
    "Max": _reduce("max"),
    "Amax": _reduce("max"),
    "Min": _reduce("min"),
    "Amin": _reduce("min"),
    "Var": _variance,
    "Std": _deviation,
    "Matmul": _dot,
    "Normalize": _normalize,
    "L2Normalize": _l2_normalize,
    # The graph has one precision; `dtype` is checked like a layer's, so that rounding to integers is refused.
    "Cast": _same,
    "Identity": _same,
    "StopGradient": _same,
}
