"""What a fixed-point build cuts off: inputs beyond their format, and values beyond the bounds of a layer's quantiser.

A number that misses its format by no more than one step does not count: full scale, as +1 in s16.15, is meant to
become the last step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Any

import numpy as np

from compiler.ir import functions, interpreter, numerics
from compiler.ir.graph import Graph
from compiler.ir.ops import Quantize, Requantize, Table

MOST_SAMPLES = 1 << 16  # in which values within the network are counted; inputs are counted to the end
MOST_LAYERS = 4  # that are named
WIDEST_RANGE = 2e9  # on either side of zero; --input-range ends a little further out


@dataclass(frozen=True)
class Saturation:
    """How much of a value saturates.

    Args:
        layer: The Keras layer whose value it is.
        share: Of its numbers, above 0 and at most 1.
        bounds: The least and the greatest real number that it can be.
        seen: The least and the greatest real number that came, of an input; None for what is computed.
    """

    layer: str
    share: float
    bounds: tuple[float, float]
    seen: tuple[float, float] | None = None


def count(graph: Graph, runs: Sequence[Sequence[np.ndarray]], *, raw: bool = False) -> list[Saturation]:
    """What saturates in a fixed-point graph, inputs first, then layers from the input to the output.

    Args:
        runs: For each stream, from reset, an array (samples, *shape) for each input.
        raw: They are integers of the inputs' formats, and not real numbers.
    """
    if not runs:
        return []
    found = [] if raw else list(_of_inputs(graph, [np.concatenate(xs) for xs in zip(*runs, strict=True)]))
    left, parts = MOST_SAMPLES, []
    for xs in runs:
        some = [x[:left] for x in xs]
        if len(some[0]):
            own = some if raw else _quantized(graph, some)
            parts.append(_shares(graph, interpreter.evaluate(graph, own)))
        left -= len(some[0])
    total = sum(samples for samples, _ in parts)
    shares = [(name, sum(n * shares[name] for n, shares in parts) / total) for name in (parts[0][1] if parts else ())]
    return found + list(_layers(graph, dict(shares)))


def of_values(graph: Graph, values: Mapping[str, np.ndarray]) -> list[Saturation]:
    """What saturates among the values, by name, that the interpreter has computed."""
    return list(_layers(graph, _shares(graph, values)[1]))


def reported(report: Mapping[str, Any]) -> list[Saturation]:
    """What verification has put into a report."""
    return [Saturation(one["layer"], one["share"], tuple(one["bounds"])) for one in report.get("saturations") or ()]


def notes(found: Sequence[Saturation], graphs: Mapping[str, Graph]) -> Iterator[str]:
    """What a user should know, a sentence each.

    Args:
        graphs: Those of the build, which say whether its formats are the file's.
    """
    of_file = any(isinstance(op, Quantize) for op in graphs["float"].ops)
    for one in found:
        if one.seen:
            least, most = (f"{bound:.6g}" for bound in one.seen)
            remedy = "scale it, or train with a quantiser that holds it" if of_file else _range_for(*one.seen)
            yield (
                f"{_percent(one.share)} of the input '{one.layer}', which goes from {least} to {most}, lies outside "
                f"its format ({_between(one)}) and saturates: {remedy}"
            )
    layers = sorted((one for one in found if not one.seen), key=lambda one: -one.share)
    for one in layers[:MOST_LAYERS]:
        share = _percent(one.share)
        yield f"{share} of what layer '{one.layer}' gives saturates at the ends of its grid ({_between(one)})"
    if len(layers) > MOST_LAYERS:
        yield f"{len(layers) - MOST_LAYERS} more layers saturate"


def _range_for(least: float, most: float) -> str:
    """What to compile with, as it can be typed: in plain decimals, rounded outwards, not empty."""
    if least == most:
        least, most = min(least, 0.0), max(most, 0.0)
    if max(abs(least), abs(most)) > WIDEST_RANGE:
        return "scale it, for a format that holds this would hold little else"
    return f"compile with --input-range {_rounded(least, ROUND_FLOOR)} {_rounded(most, ROUND_CEILING)}"


def _rounded(x: float, rounding: str) -> str:
    """Six digits, rounded to one side."""
    return f"{Context(prec=6, rounding=rounding).create_decimal_from_float(x).normalize():f}"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _between(one: Saturation) -> str:
    return f"{one.bounds[0]:.6g} to {one.bounds[1]:.6g}"


def _quantized(graph: Graph, xs: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [numerics.quantize(x, value.format) for value, x in zip(graph.inputs, xs, strict=True)]


def _of_inputs(graph: Graph, xs: Sequence[np.ndarray]) -> Iterator[Saturation]:
    for value, x in zip(graph.inputs, xs, strict=True):
        lo, hi = value.format.lo * value.format.step, value.format.hi * value.format.step
        beyond = (x < lo - value.format.step) | (x > hi + value.format.step)
        if beyond.any():
            seen = float(np.nanmin(x)), float(np.nanmax(x))
            yield Saturation(value.layer, float(beyond.mean()), (lo, hi), seen)


def _shares(graph: Graph, values: Mapping[str, np.ndarray]) -> tuple[int, dict[str, float]]:
    """Samples, and by the name of each value the share of its numbers that saturate."""
    shares = {}
    for op in graph.ops:
        if isinstance(op, Requantize) and not _at_rest(graph, op):
            # Two steps beyond either bound are enough to tell what would have been.
            free = numerics.requantize(values[op.inputs[0].name], op.shift, op.rounding, op.lo - 2, op.hi + 2)
            low, high = _meant(op)
            beyond = ((free > op.hi + 1) & (not high)) | ((free < op.lo - 1) & (not low))
            shares[op.output.name] = float(beyond.mean()) if beyond.size else 0.0
    return len(values[graph.inputs[0].name]), shares


def _at_rest(graph: Graph, op: Requantize) -> bool:
    """Whether what it cuts off changes nothing: only tables read it of functions that have come to rest there."""
    readers = () if graph.is_output(op.output) else graph.consumers(op.output)
    return bool(readers) and all(isinstance(r, Table) and r.function in functions.RESTING for r in readers)


def _meant(op: Requantize) -> tuple[bool, bool]:
    """Whether its lower and its upper bound are a function's own: 0 of a relu, or within the format at the end of the
    range that the value is known to have."""
    y, step = op.output, op.output.format.step
    least, most = y.range or (-np.inf, np.inf)
    low = op.lo >= 0 or (op.lo > y.format.lo and op.lo * step <= least + step)
    return low, op.hi < y.format.hi and op.hi * step >= most - step


def _layers(graph: Graph, shares: Mapping[str, float]) -> Iterator[Saturation]:
    for op in graph.ops:
        if shares.get(op.output.name):
            bounds = op.lo * op.output.format.step, op.hi * op.output.format.step
            yield Saturation(op.output.layer, shares[op.output.name], bounds)
