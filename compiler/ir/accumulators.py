"""How wide an accumulator must be, proven from the actual weights and the range of what they meet."""

from __future__ import annotations

import numpy as np

from compiler.ir.graph import Graph
from compiler.ir.numerics import effective_shift, rounding_half, signed_width
from compiler.ir.ops import MatMul, Requantize, Window
from compiler.ir.values import Value


def accumulator_width(graph: Graph, op: MatMul) -> int:
    """The least width of |bias| + sum |w| * max |x| plus the half that rounding may add, over all columns."""
    lo, hi = integer_range(graph, op.inputs[0])
    readers = [reader for reader in graph.consumers(op.output) if isinstance(reader, Requantize)]
    # Python's integers: the proof itself must not overflow.
    columns = np.abs(op.weights.astype(object)).sum(axis=0) * max(-lo, hi) + np.abs(op.bias.astype(object))
    most = int(max(columns))
    width = signed_width(-most, most)
    shifts = [(effective_shift(reader.shift, width, reader.lo, reader.hi), reader.rounding) for reader in readers]
    half = max((rounding_half(*shift) for shift in shifts), default=0)
    return signed_width(-most - half, most + half)


def integer_range(graph: Graph, value: Value) -> tuple[int, int]:
    """The least and greatest integer that a value of a fixed-point graph can be."""
    op = graph.producer(value)
    if isinstance(op, Window):
        state = graph.state(op.state)
        lo, hi = integer_range(graph, op.inputs[0])
        return min(lo, int(state.initial.min())), max(hi, int(state.initial.max()))
    if isinstance(op, Requantize):
        return op.lo, op.hi
    return value.format.lo, value.format.hi
