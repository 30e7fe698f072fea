"""Arrays for a graph's inputs: how many streams or frames they are, and whether they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.values import Value

Inputs = np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray]


def as_streams(graph: Graph, x: Inputs) -> tuple[list[list[np.ndarray]], bool]:
    """What is run, from reset each, and whether it was several: a list of (steps, *shape) for each input.

    One run for each stream, a control repeated for every step of it; and one for all frames together.

    Raises:
        CompileError: The arrays do not fit the inputs.
    """
    xs = inputs(graph, x)
    streaming = graph.mode == "stream"
    main, first = next((x, value) for x, value in zip(xs, graph.inputs, strict=True) if not _is_control(graph, value))
    several = main.ndim == len(first.shape) + (2 if streaming else 1)
    if not streaming:
        return [xs if several else [one[None] for one in xs]], several
    streams = list(zip(*xs, strict=True)) if several else [tuple(xs)]
    pairs = [list(zip(graph.inputs, stream, strict=True)) for stream in streams]
    steps = main.shape[-len(first.shape) - 1]
    return [
        [np.broadcast_to(one, (steps, *one.shape)) if _is_control(graph, value) else one for value, one in pair]
        for pair in pairs
    ], several


def inputs(graph: Graph, x: Inputs) -> list[np.ndarray]:
    """The inputs as a list in the model's order, checked for number and shape.

    Raises:
        CompileError: Saying what does not fit, and what the model takes.
    """
    wanted, streaming = graph.inputs, graph.mode == "stream"
    held = {value.name: ", once a stream" for value in wanted if _is_control(graph, value)}
    names = ", ".join(f"'{value.layer}' {value.shape}{held.get(value.name, '')}" for value in wanted)
    hint = f"The model takes {'samples' if streaming else 'frames'} of {names}."
    if isinstance(x, Mapping):
        if set(x) != {value.layer for value in wanted}:
            raise CompileError(f"inputs named {', '.join(map(str, x))} do not fit", hint=hint)
        x = [x[value.layer] for value in wanted]
    xs = [np.asarray(one) for one in x] if isinstance(x, list | tuple) else [np.asarray(x)]
    if len(xs) != len(wanted):
        raise CompileError(f"{len(xs)} inputs do not fit", hint=hint)
    counts, lengths = set(), set()
    for value, one in zip(wanted, xs, strict=True):
        lead = one.ndim - len(value.shape)
        timed = streaming and not _is_control(graph, value)
        if lead - timed not in (0, 1) or one.shape[lead:] != value.shape:
            raise CompileError(f"an array of shape {one.shape} does not fit input '{value.layer}'", hint=hint)
        if one.dtype.kind not in "fiu":
            raise CompileError(f"type {one.dtype} does not fit input '{value.layer}'", hint="Give numbers.")
        counts.add(one.shape[0] if lead > timed else None)
        lengths.update(one.shape[lead - 1 : lead] if timed else ())
    if len(counts) > 1 or len(lengths) > 1:
        raise CompileError("inputs of different lengths do not fit", hint=hint)
    return xs


def _is_control(graph: Graph, value: Value) -> bool:
    return value.name in graph.controls
