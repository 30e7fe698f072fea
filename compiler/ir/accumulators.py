"""The integers that each value of a fixed-point graph can be, and how wide an accumulator must be to hold them.

An interval is worked out where its value is made, from those of what it is made of, and travels with the value.
"""

from __future__ import annotations

import numpy as np

from compiler.ir.graph import Graph
from compiler.ir.movement import MOVEMENTS, Pad, ZeroInsertion
from compiler.ir.numerics import effective_shift, rounding_half, signed_width
from compiler.ir.operation import Op
from compiler.ir.ops import Binary, Constant, Convolution, MatMul, Piecewise, Requantize, Sum, Table, UnitDelay, Window
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Interval, Value


def is_accumulator(op: Op | None) -> bool:
    """Whether what an operation on integers gives is an exact sum or product, as wide as it may become."""
    product = isinstance(op, Binary) and op.function == "multiply"
    summed = isinstance(op, Reduce | Pool) and op.function == "sum"
    return product or summed or isinstance(op, MatMul | Convolution | Sum | Piecewise | Table)


def given_interval(value: Value) -> Interval:
    """What an input can be: whatever its format holds."""
    return value.format.lo, value.format.hi


def interval(graph: Graph, op: Op) -> Interval:
    """What an operation can compute, in Python's integers, so that the proof itself cannot overflow."""
    lo, hi = op.inputs[0].interval if op.inputs else (0, 0)
    match op:
        case UnitDelay():
            # What it reads is computed further down; it is only known to be of the same format.
            return given_interval(op.output)
        case Constant():
            return int(op.value.min()), int(op.value.max())
        case Window():
            initial = graph.state(op.state).initial
            return min(lo, int(initial.min())), max(hi, int(initial.max()))
        case MatMul() | Convolution():
            # |bias| + sum |w| * max |x|, the most of all columns.
            columns = np.abs(op.matrix.astype(object)).sum(axis=0) * max(-lo, hi) + np.abs(op.bias.astype(object))
            most = int(max(columns))
            return -most, most
        case Requantize():
            return op.lo, op.hi
        case Binary(function="maximum" | "minimum" as function):
            extreme = max if function == "maximum" else min
            return extreme(x.interval[0] for x in op.inputs), extreme(x.interval[1] for x in op.inputs)
        case Binary(function="multiply"):
            a, b = (x.interval for x in op.inputs)
            corners = [n * m for n in a for m in b]
            return min(corners), max(corners)
        case Reduce(function="sum") | Pool(function="sum"):
            # With 0 on the way, as a box may hold fewer terms than another.
            return op.terms * min(0, lo), op.terms * max(0, hi)
        case Reduce() | Pool():
            return lo, hi
        case Pad() | ZeroInsertion():
            filled = int(op.value) if isinstance(op, Pad) else 0
            return min(lo, filled), max(hi, filled)
        case _ if isinstance(op, MOVEMENTS):
            return min(x.interval[0] for x in op.inputs), max(x.interval[1] for x in op.inputs)
        case Piecewise():
            return _of_pieces(op, lo, hi)
        case Table():
            # Between two entries lies nothing beyond them.
            ends = [int(op.entries.min()) << op.fraction_bits, int(op.entries.max()) << op.fraction_bits]
            ends += [op.mirror - end for end in ends] if op.symmetry == "odd" else []
            return min(ends), max(ends)
        case Sum():
            # With 0 on the way, each term and each sum of some of them lies within.
            terms = zip(op.inputs, op.factors, strict=True)
            ends = [sorted((x.interval[0] * factor, x.interval[1] * factor)) for x, factor in terms]
            return sum(min(0, lo) for lo, _ in ends), sum(max(0, hi) for _, hi in ends)
    raise NotImplementedError(f"no interval of {type(op).__name__}")


def _of_pieces(op: Piecewise, lo: int, hi: int) -> Interval:
    """What products of straight pieces with numbers from lo to hi can be: each piece at the ends of its own stretch."""
    ends = []
    for channel in range(op.slopes.shape[1]):
        begins = [lo, *(int(n) for n in op.thresholds[:, channel])]
        stretches = zip(begins, [*(n - 1 for n in begins[1:]), hi], strict=True)
        lines = zip(op.slopes[:, channel].tolist(), op.offsets[:, channel].tolist(), strict=True)
        for (first, last), (slope, offset) in zip(stretches, lines, strict=True):
            if first <= hi and last >= lo:
                ends += [slope * x + offset for x in (max(first, lo), min(last, hi))]
    return min(ends), max(ends)


def _on_the_way(op: Table, lo: int, hi: int) -> Interval:
    """What it computes before it has its output: the step between entries, what is read before it is mirrored."""
    steps = [int(n) << op.fraction_bits for n in np.diff(op.entries)]
    read = [int(op.entries.min()) << op.fraction_bits, int(op.entries.max()) << op.fraction_bits]
    return min(lo, op.mirror, *steps, *read), max(hi, op.mirror, *steps, *read)


def accumulator_width(graph: Graph, op: Op) -> int:
    """The least width that holds an operation's sums, the factors of its terms, and the half that a reader's rounding
    may add."""
    lo, hi = interval(graph, op)
    if isinstance(op, Sum):
        lo, hi = min(lo, *op.factors), max(hi, *op.factors)
    if isinstance(op, Table):
        lo, hi = _on_the_way(op, lo, hi)
    if isinstance(op, Piecewise):
        x_lo, x_hi = op.inputs[0].interval
        products = [int(slope) * x for slope in op.slopes.ravel() for x in (x_lo, x_hi)]
        lo, hi = min(lo, *products), max(hi, *products)
    width = signed_width(lo, hi)
    half = 0
    for reader in graph.consumers(op.output):
        if isinstance(reader, Requantize):
            shift = effective_shift(reader.shift, width, reader.lo, reader.hi)
            half = max(half, rounding_half(shift, reader.rounding))
    return signed_width(lo - half, hi + half)
