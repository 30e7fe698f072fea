"""Ranges as data show them: what every value of a network comes to on recordings of what it will be given.

Worst cases are those of signals that nobody plays. What is observed needs fewer bits in front of the point, and what
goes beyond saturates: how often, a part of the data says from which no range was taken.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler import progress, samples, streams
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.graph import Graph
from compiler.options import Options

HELD_OUT = 0.2  # of the data: its end
LEAST = 10  # samples of streams, or frames
MOST_BYTES = 1 << 30  # of all values of a network at once
Data = str | Path | streams.Inputs


@dataclass(frozen=True, eq=False)
class Held:
    """Samples or frames that no range was taken from, behind the first `start` of a run, which come before them.

    Args:
        inputs: (steps, *shape) for each input.
        start: How many of them are no part of it.
    """

    inputs: Sequence[np.ndarray]
    start: int


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was observed.

    Args:
        ranges: By the name of a value, the least and the greatest number.
        held: What is held out.
        count: Samples, or frames, that ranges were taken from.
        sha256: Of the data.
    """

    ranges: Mapping[str, tuple[float, float]]
    held: Sequence[Held]
    count: int
    sha256: str


def calibrate(data: Data, graph: Graph, options: Options) -> Calibration:
    """Observes every value of a float graph.

    Args:
        data: A .npy, .wav or .npz file as --input takes it, or arrays as `Build.run` takes them: one stream or frame,
            or several.

    Raises:
        CompileError: The data are empty, too few, silent, no numbers, or do not fit the model.
    """
    what = str(data) if isinstance(data, str | Path) else "the data"
    try:
        given = data
        if isinstance(data, str | Path):
            given = samples.load([str(data)], graph, options.sample_rate_hz).inputs
        runs, _ = streams.as_streams(graph, given)
        _check(graph, runs)
    except CompileError as error:
        raise CompileError(f"--calibrate {what}: {error.what}", hint=error.hint) from None
    fitted, held = _split(graph, runs)
    digest = hashlib.sha256()
    for x in (x for run in runs for x in run):
        digest.update(np.ascontiguousarray(x, np.float64).tobytes())
    ranges: dict[str, tuple[float, float]] = {}
    known = (*graph.inputs, *(op.output for op in graph.ops))
    most = max(1, MOST_BYTES // (8 * sum(value.size for value in known)))
    count = sum(len(run[0]) for run in fitted)
    with progress.stage("observing what values come to", count, "samples"):
        for run in fitted:
            values = interpreter.evaluate(graph, [np.asarray(x[:most], np.float64) for x in run])
            for value in known:
                lo, hi = ranges.get(value.name, (math.inf, -math.inf))
                y = values[value.name]
                ranges[value.name] = min(lo, float(y.min())), max(hi, float(y.max()))
            progress.advance(len(run[0]))
    return Calibration(ranges, held, sum(min(len(run[0]), most) for run in fitted), digest.hexdigest())


def _check(graph: Graph, runs: Sequence[Sequence[np.ndarray]]) -> None:
    one = "samples" if graph.mode == "stream" else "frames"
    count = sum(len(run[0]) for run in runs)
    if count < LEAST:
        raise CompileError(f"{count} {one} say too little about ranges", hint=f"Give {LEAST} {one} at least.")
    for number, value in enumerate(graph.inputs):
        parts = [run[number] for run in runs]
        if not all(np.isfinite(part).all() for part in parts):
            raise CompileError(f"input '{value.layer}' holds NaN or infinity", hint="Give numbers alone.")
        if value.name not in graph.controls and not any(part.any() for part in parts):
            hint = "Give a recording of what the network will be given."
            raise CompileError(f"input '{value.layer}' is silent: every number is 0", hint=hint)


def _split(graph: Graph, runs: list[list[np.ndarray]]) -> tuple[list[list[np.ndarray]], list[Held]]:
    """What ranges are taken from, and what is held out: the last streams of several, or the end of what there is."""
    if graph.mode == "stream" and len(runs) > 1:
        cut = len(runs) - max(1, round(HELD_OUT * len(runs)))
        return runs[:cut], [Held(run, 0) for run in runs[cut:]]
    (run,) = runs
    cut = len(run[0]) - max(1, round(HELD_OUT * len(run[0])))
    if graph.mode == "stream":
        return [[x[:cut] for x in run]], [Held(run, cut)]
    return [[x[:cut] for x in run]], [Held([x[cut:] for x in run], 0)]
