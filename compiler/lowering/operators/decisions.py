"""Operators that compare and choose. A condition is 1 where it holds, else 0.

NaN is not told apart: "equal", "at least" and "at most" hold of it, which in Keras they do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from compiler.ir.ops import Select
from compiler.ir.values import Value
from compiler.lowering.arithmetic import binary, reduce, unary
from compiler.lowering.operators.arithmetic import combine
from compiler.lowering.operators.operator import Operator
from compiler.lowering.shapes import axes_of, axis_of, known


def _greater(op: Operator, a: Any, b: Any) -> Value:
    # The sign of a difference is exact where numbers below the smallest normal one are not taken for zero.
    return _decide(op, combine(op, "subtract", a, b))


def _not_greater(op: Operator, a: Any, b: Any) -> Value:
    return _decide(op, combine(op, "subtract", a, b), otherwise=True)


def _equal(op: Operator, a: Any, b: Any) -> Value:
    return _decide(op, unary(op, "absolute", combine(op, "subtract", a, b), suffix="_distance"), otherwise=True)


def _not_equal(op: Operator, a: Any, b: Any) -> Value:
    return _decide(op, unary(op, "absolute", combine(op, "subtract", a, b), suffix="_distance"))


def _decide(op: Operator, x: Value, *, otherwise: bool = False) -> Value:
    """1 where x is above 0, else 0; or the reverse."""
    values = op.together(x, float(not otherwise), float(otherwise))
    condition = op.emit(Select, values)
    op.conditions.add(condition.name)
    return condition


def _condition(op: Operator, x: Any) -> Value:
    """1 where Keras takes a value for true: where it is not 0, which may be below."""
    x = op.tensor(x)
    return x if x.name in op.conditions else _decide(op, unary(op, "absolute", x, suffix="_magnitude"))


def _not(op: Operator, x: Any) -> Value:
    return _decide(op, _condition(op, x), otherwise=True)


def _any(op: Operator, x: Any) -> Value:
    """Whether any along some axes is true: the greatest of conditions."""
    condition = _condition(op, x)
    if op.take("axis", None) is None:
        raise op.error("axis=None goes over the batch too", hint="Name the axes; 0 is the batch.")
    keepdims = op.flag("keepdims", False)
    result = reduce(op, "max", condition, axes_of(op, condition), keepdims=keepdims)
    op.conditions.add(result.name)
    return result


def _choose(op: Operator, condition: Any, yes: Any, no: Any) -> Value:
    values = op.together(_condition(op, condition), yes, no)
    return op.emit(Select, values)


def _either(function: Literal["minimum", "maximum"]) -> Callable[..., Value]:
    """Of two conditions the lesser is "and", the greater is "or"."""

    def lower(op: Operator, a: Any, b: Any) -> Value:
        condition = combine(op, function, _condition(op, a), _condition(op, b))
        op.conditions.add(condition.name)
        return condition

    return lower


def _place(extreme: Literal["max", "min"]) -> Callable[..., Value]:
    """Where along an axis the extreme stands, the first of several: the least place with nothing beyond it."""

    def lower(op: Operator, x: Any) -> Value:
        x, keepdims = op.tensor(x), op.flag("keepdims", False)
        if op.take("axis", None) is None:
            raise op.error("axis=None goes over the batch too", hint="Name the axis; 0 is the batch.")
        axis = axis_of(op, x, op.take("axis"))
        length = known(op, x, axis, "an extreme's place")
        best = reduce(op, extreme, x, [axis], suffix=f"_{extreme}")
        pair = (best, x) if extreme == "max" else (x, best)
        beyond = binary(op, "subtract", *pair, "_beyond")
        places = np.arange(length).reshape([length if i == axis else 1 for i in range(len(x.shape))])
        values = op.together(beyond, float(length), places)
        candidates = op.emit(Select, values, suffix="_candidates")
        return reduce(op, "min", candidates, [axis], keepdims=keepdims)

    return lower


OPERATORS: dict[str, Callable[..., Value]] = {
    "Where": _choose,
    "Greater": _greater,
    "Less": lambda op, a, b: _greater(op, b, a),
    "GreaterEqual": lambda op, a, b: _not_greater(op, b, a),
    "LessEqual": _not_greater,
    "Equal": _equal,
    "NotEqual": _not_equal,
    "Any": _any,
    "LogicalNot": _not,
    "LogicalAnd": _either("minimum"),
    "LogicalOr": _either("maximum"),
    "Argmax": _place("max"),
    "Argmin": _place("min"),
}
