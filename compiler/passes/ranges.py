"""Interval arithmetic: between which real numbers each value of a float graph lies, whatever comes in.

One rule an operation, element by element, so that each channel and each place of a frame has an interval of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.graph import Graph
from compiler.ir.movement import MOVEMENTS
from compiler.ir.operation import Op
from compiler.ir.ops import Binary, Constant, Convolution, MatMul, Piecewise, Quantize, Unary, UnitDelay, Window
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Value
from compiler.passes import function_ranges
from compiler.passes.recurrence import Interval, between, settled_ranges

EPSILON = float(np.finfo(np.float64).eps)
# What functions reach and never leave; a clip has it in its parameters.
REACHED = {
    **dict.fromkeys(("tanh", "softsign", "hard_tanh"), (-1.0, 1.0)),
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "sparse_sigmoid"), (0.0, 1.0)),
    "relu": (0.0, np.inf),
}


def worst_case_ranges(
    graph: Graph, input_range: tuple[float, float], observed: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, tuple[float, float]]:
    """The least and the greatest number of each value, by name, while the inputs stay in a range.

    Args:
        observed: By the names of values, what they came to in data: these are taken instead of what they could come to.
    """
    observed = observed or {}
    if any(isinstance(op, UnitDelay) and op.output.name not in observed for op in graph.ops):
        return {name: (float(lo.min()), float(hi.max())) for name, (lo, hi) in _for_ever(graph, input_range).items()}
    places: dict[str, Interval] = {}
    ranges: dict[str, tuple[float, float]] = {}
    last = {value.name: index for index, op in enumerate(graph.ops) for value in op.inputs}

    def keep(value: Value, interval: Interval) -> None:
        if value.name in observed:
            interval = tuple(np.full(value.shape, bound) for bound in observed[value.name])
        lo, hi = places[value.name] = _with_rest(graph, value, interval)
        ranges[value.name] = float(lo.min()), float(hi.max())

    for value in graph.inputs:
        keep(value, tuple(np.full(value.shape, float(bound)) for bound in input_range))
    with np.errstate(over="ignore", invalid="ignore"):  # whoever makes a format of a range looks whether it is one
        for index, op in enumerate(graph.ops):
            seen = observed.get(op.output.name)
            keep(op.output, seen or image(op, *(places[value.name] for value in op.inputs)))
            for name in {value.name for value in op.inputs}:
                if last[name] == index:
                    del places[name]
    return ranges


def _for_ever(graph: Graph, input_range: tuple[float, float]) -> dict[str, Interval]:
    """The intervals of all values of a recurrent graph."""
    ends = (tuple(np.full(value.shape, float(bound)) for bound in input_range) for value in graph.inputs)
    given = {value.name: _with_rest(graph, value, pair) for value, pair in zip(graph.inputs, ends, strict=True)}

    def step(states: Mapping[str, Interval], *, outwards: bool = False) -> dict[str, Interval]:
        places = dict(given)
        for op in graph.ops:
            found = states[op.state] if isinstance(op, UnitDelay) else between(graph, op, places)
            if found is None:
                sources = [places[value.name] for value in op.inputs]
                found = image(op, *sources)
                found = _outwards(op, found, *sources[:1]) if outwards else found
            places[op.output.name] = found if isinstance(op, UnitDelay) else _with_rest(graph, op.output, found)
        return places

    with np.errstate(over="ignore", invalid="ignore"):
        return settled_ranges(graph, step)


def _outwards(op: Op, found: Interval, source: Interval = ()) -> Interval:
    """A range that floating point has worked out, as wide as exact arithmetic could have it."""
    lo, hi = found
    match op:
        case MatMul() | Convolution():
            largest = np.maximum(np.abs(source[0]), np.abs(source[1]))
            slack = (len(op.matrix) + 2) * EPSILON * (_product(op, np.abs(op.matrix), largest) + np.abs(op.bias))
        case Unary():
            # numpy's functions miss by a few last places, and those that come to rest do not go beyond.
            slack = 8 * EPSILON * np.maximum(np.abs(lo), np.abs(hi))
            reached = op.parameters if op.function == "clip" else REACHED.get(op.function, (-np.inf, np.inf))
            return tuple(np.clip((lo - slack, hi + slack), *reached))
        case Piecewise():
            # The height of a flat piece is exact.
            flat = op.offsets[op.slopes == 0]
            slack = 4 * EPSILON * np.maximum(np.abs(lo), np.abs(hi))
            return np.where(np.isin(lo, flat), lo, lo - slack), np.where(np.isin(hi, flat), hi, hi + slack)
        case Binary(function="add" | "subtract" | "multiply"):
            slack = 4 * EPSILON * np.maximum(np.abs(lo), np.abs(hi))
        case Reduce() | Pool():
            slack = (op.terms + 2) * EPSILON * op.terms * np.maximum(np.abs(source[0]).max(), np.abs(source[1]).max())
        case _:
            return found
    return lo - slack, hi + slack


def image(op: Op, *sources: Interval) -> Interval:
    """What an operation makes of intervals."""
    lo, hi = sources[0] if sources else (None, None)
    match op:
        case Constant():
            return op.value, op.value
        case Window():
            return tuple(np.broadcast_to(bound, op.output.shape) for bound in (lo, hi))
        case MatMul() | Convolution():
            positive, negative = np.maximum(op.matrix, 0), np.minimum(op.matrix, 0)
            least = _product(op, positive, lo) + _product(op, negative, hi)
            return least + op.bias, _product(op, positive, hi) + _product(op, negative, lo) + op.bias
        case Unary():
            ends = function_ranges.image(op.function, op.parameters, lo, hi)
            if not np.isfinite(ends).all() and np.isfinite((lo, hi)).all():
                least, most = lo.min(), hi.max()
                what = f"{op.words} has no finite value at some of what it may be given, {least:.6g} to {most:.6g}"
                raise CompileError(what, layer=op.output.layer)
            return ends
        case Piecewise():
            return function_ranges.image_of_pieces(op, lo, hi)
        case Binary(function="multiply"):
            corners = [a * b for a in sources[0] for b in sources[1]]
            return np.min(corners, axis=0), np.max(corners, axis=0)
        case Binary(function="subtract"):
            return lo - sources[1][1], hi - sources[1][0]
        case Quantize():
            return np.clip(lo, op.lo * op.format.step, None), np.clip(hi, None, op.hi * op.format.step)
        case Reduce() | Pool() | Binary(function="add" | "maximum" | "minimum"):
            pass
        case _ if not isinstance(op, MOVEMENTS):
            raise NotImplementedError(f"no range for {type(op).__name__}")
    # What only grows with what it reads.
    least, most = (interpreter.plain(op, [source[side][None] for source in sources])[0] for side in (0, 1))
    return least, most


def _product(op: MatMul | Convolution, weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of an array, with other weights and without a bias."""
    return interpreter.plain(op.with_matrix(weights, bias=np.zeros_like(op.bias)), [x[None]])[0]


def _with_rest(graph: Graph, value: Value, interval: Interval) -> Interval:
    """A state that starts elsewhere than at zero widens the range of what it remembers."""
    lo, hi = interval
    for state in graph.pasts(value):
        lo, hi = np.minimum(lo, state.initial), np.maximum(hi, state.initial)
    return lo, hi
