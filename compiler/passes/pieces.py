"""Functions made of straight pieces: by their thresholds, slopes and offsets, in real numbers and then in integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from compiler.ir.graph import Graph, rewrite
from compiler.ir.numerics import Format
from compiler.ir.ops import Binary, Constant, Op, Piecewise, Select, Unary
from compiler.ir.values import Value
from compiler.passes.dead_code import remove_dead_code

SLOPE_BITS = 17  # of a slope: 16 of a magnitude, so that 1 is a power of two beside the finest slopes below it

Pieces = tuple[list[float], list[tuple[float, float]]]  # thresholds; slope and offset of each piece


def _above(x: float) -> float:
    return float(np.nextafter(x, np.inf))


def _relu(slope: float, most: float, threshold: float) -> Pieces:
    """Keras' ReLU with parameters: above the threshold itself, but no more than `most`."""
    begin, below = _above(threshold), (slope, -slope * threshold)
    if most <= threshold:
        return [begin], [below, (0.0, most)]
    if math.isinf(most):
        return [begin], [below, (1.0, 0.0)]
    return [begin, most], [below, (1.0, 0.0), (0.0, most)]


def _line(slope: float, offset: float, lo: float, hi: float) -> Pieces:
    """A line between two heights."""
    begin, end = (lo - offset) / slope, (hi - offset) / slope
    return [begin, end], [(0.0, lo), (slope, offset), (0.0, hi)]


PIECES: dict[str, Callable[..., Pieces]] = {
    "relu_general": _relu,
    "leaky_relu": lambda slope: ([0.0], [(slope, 0.0), (1.0, 0.0)]),
    "threshold": lambda t, below: ([_above(t)], [(0.0, below), (1.0, 0.0)]),
    "hard_shrink": lambda t: ([-t, _above(t)], [(1.0, 0.0), (0.0, 0.0), (1.0, 0.0)]),
    "soft_shrink": lambda t: ([-t, t], [(1.0, t), (0.0, 0.0), (1.0, -t)]),
    "sparse_sigmoid": lambda: _line(0.5, 0.5, 0.0, 1.0),
    "hard_sigmoid": lambda: _line(1 / 6, 0.5, 0.0, 1.0),
    "clip": lambda lo, hi: ([lo, hi], [(0.0, lo), (1.0, 0.0), (0.0, hi)]) if lo < hi else ([], [(0.0, hi)]),
    "absolute": lambda: ([0.0], [(-1.0, 0.0), (1.0, 0.0)]),
    "negative": lambda: ([], [(-1.0, 0.0)]),
}


def bounds_of_clamp(op: Op) -> tuple[float, float] | None:
    """Between which numbers a function leaves a number alone, where it does nothing but cut off the others."""
    if not isinstance(op, Unary):
        return None
    if op.function == "relu_general" and (op.parameters[0], op.parameters[2]) == (0.0, 0.0):
        return 0.0, max(0.0, op.parameters[1])
    clamps = {"relu": (0.0, math.inf), "hard_tanh": (-1.0, 1.0), "clip": op.parameters}
    lo, hi = clamps.get(op.function, (1.0, -1.0))
    # Every format holds 0, and so what is cut off at bounds on both sides of it.
    return (lo, hi) if lo <= 0 <= hi else None


def to_pieces(graph: Graph) -> Graph:
    """Exchanges functions that are made of straight pieces for these pieces; clamps stay what they are."""
    sources = {op.output.name: op for op in graph.ops}

    def transform(op: Op) -> Op:
        if isinstance(op, Unary) and bounds_of_clamp(op) is None and op.function in PIECES:
            thresholds, lines = PIECES[op.function](*op.parameters)
            rows = np.array(lines, np.float64)
            return _pieces(op, op.inputs[0], np.reshape(thresholds, (-1, 1)), rows[:, :1], rows[:, 1:])
        if isinstance(op, Select) and (slopes := _slopes_below(op, sources)) is not None:
            ones, zeros = np.ones_like(slopes), np.zeros((2, slopes.size))
            return _pieces(op, op.inputs[0], np.zeros((1, slopes.size)), np.stack([slopes, ones]), zeros)
        return op

    return remove_dead_code(rewrite(graph, transform))


def _pieces(op: Op, x: Value, thresholds: np.ndarray, slopes: np.ndarray, offsets: np.ndarray) -> Piecewise:
    return Piecewise(inputs=(x,), output=op.output, thresholds=thresholds, slopes=slopes, offsets=offsets)


def _slopes_below(op: Select, sources: dict[str, Op]) -> np.ndarray | None:
    """The slopes below 0 of a choice between x and x times constants, as PReLU is one."""
    x, yes, no = op.inputs
    product = sources.get(no.name)
    if x.name != yes.name or not isinstance(product, Binary) or product.function != "multiply":
        return None
    factors = [sources.get(value.name) for value in product.inputs if value.name != x.name]
    if len(factors) != 1 or not isinstance(factors[0], Constant) or op.output.shape != x.shape:
        return None
    own = factors[0].value
    slopes = own.reshape(-1)
    per_channel = slopes.size == 1 or own.shape[-1:] == slopes.shape == x.shape[-1:]
    return slopes if per_channel else None


def finest_result(op: Piecewise, fraction: int) -> int:
    """Fraction bits of the finest grid on which slopes of 16 bits leave no more than half a step to the result's
    rounding."""
    most = float(np.abs(op.slopes).max(initial=0))
    return fraction - math.ceil(math.log2(most)) if most > 0 else fraction


def integer_pieces(op: Piecewise, fraction: int, largest: int, result: int) -> Piecewise:
    """The same on integers; slopes have the fewest bits that hold them exactly, or 17.

    Args:
        op: In real numbers, its input in a format.
        fraction: Fraction bits of its input.
        largest: The greatest magnitude of an integer of its input.
        result: Fraction bits of what its output is rounded to.
    """
    most = float(np.abs(op.slopes).max(initial=0))
    finest = SLOPE_BITS - 2 - (math.ceil(math.log2(most)) if most > 0 else 0)
    exact = (n for n in range(min(0, finest), finest) if _whole(op.slopes, n) and _whole(op.offsets, n + fraction))
    slope_bits = next(exact, finest)
    slopes = np.rint(np.ldexp(op.slopes, slope_bits))
    offsets = np.rint(np.ldexp(op.offsets, slope_bits + fraction))
    missed = np.abs(np.ldexp(slopes, -slope_bits) - op.slopes).max() * largest * 2.0**-fraction
    missed += np.abs(np.ldexp(offsets, -slope_bits - fraction) - op.offsets).max()
    format = Format(True, SLOPE_BITS, slope_bits)
    # What lies beyond the integers of the input is never reached.
    thresholds = np.clip(np.ceil(np.ldexp(op.thresholds, fraction)), -largest - 1, largest + 1)
    return replace(
        op,
        thresholds=thresholds.astype(np.int64),
        slopes=slopes.astype(np.int64),
        offsets=offsets.astype(np.int64),
        slopes_format=format,
        error=float(np.ldexp(missed, result)),
    )


def _whole(numbers: np.ndarray, fraction: int) -> bool:
    scaled = np.ldexp(numbers, fraction)
    return np.array_equal(scaled, np.rint(scaled))
