"""The integers that each value of a fixed-point graph can be, and how wide an accumulator must be to hold them.

An interval is worked out where its value is made, from those of what it is made of, and travels with the value.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from compiler.ir.graph import Graph
from compiler.ir.numerics import effective_shift, rounding_half, signed_width
from compiler.ir.operation import Op
from compiler.ir.ops import MatMul, Requantize, Window
from compiler.ir.values import Interval, Value


def given_interval(value: Value) -> Interval:
    """What an input can be: whatever its format holds."""
    return value.format.lo, value.format.hi


def interval(graph: Graph, op: Op) -> Interval:
    """What an operation can compute, in Python's integers, so that the proof itself cannot overflow."""
    lo, hi = op.inputs[0].interval
    match op:
        case Window():
            initial = graph.state(op.state).initial
            return min(lo, int(initial.min())), max(hi, int(initial.max()))
        case MatMul():
            # |bias| + sum |w| * max |x|, the most of all columns.
            columns = np.abs(op.weights.astype(object)).sum(axis=0) * max(-lo, hi) + np.abs(op.bias.astype(object))
            most = int(max(columns))
            return -most, most
        case Requantize():
            return op.lo, op.hi
    raise NotImplementedError(f"no interval of {type(op).__name__}")


def accumulator_width(sums: Interval, readers: Iterable[Op]) -> int:
    """The least width that holds some sums, and the half that a reader's rounding may add to them."""
    lo, hi = sums
    width = signed_width(lo, hi)
    half = 0
    for reader in readers:
        if isinstance(reader, Requantize):
            shift = effective_shift(reader.shift, width, reader.lo, reader.hi)
            half = max(half, rounding_half(shift, reader.rounding))
    return signed_width(lo - half, hi + half)
