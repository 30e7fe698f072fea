"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.ir.graph import Graph, Scan, rewrite
from compiler.ir.ops import Op, UnitDelay, Window
from compiler.ir.values import State, Value


def merge_common_subexpressions(graph: Graph) -> Graph:
    """Operations of one kind on the same values with the same attributes are one: branches share windows and states."""
    seen: dict[tuple, Value] = {}

    def transform(op: Op) -> Op | Value:
        if isinstance(op, UnitDelay | Scan):
            return op
        own = tuple(_key(value) for name, value in op.attributes().items() if name != "weights_of")
        key = (type(op), tuple(value.name for value in op.inputs), op.output.shape, own)
        if key in seen:
            return seen[key]
        seen[key] = op.output
        return op

    return _merge_states(rewrite(graph, transform))


def _merge_states(graph: Graph) -> Graph:
    """Two states over the same value that begin alike are one, as long as the longer."""
    # What a UnitDelay reads keeps a state of its own, of length 1.
    delayed = {op.state for op in graph.ops if isinstance(op, UnitDelay)}
    kept: dict[tuple, State] = {}
    names: dict[str, str] = {}
    for state in graph.states:
        key = (state.name,) if state.name in delayed else (state.value.name, state.initial.tobytes())
        first = kept.get(key, state)
        kept[key] = replace(first, length=max(first.length, state.length))
        names[state.name] = first.name
    ops = tuple(replace(op, state=names[op.state]) if isinstance(op, Window) else op for op in graph.ops)
    return replace(graph, ops=ops, states=tuple(kept.values()))


def _key(value: object) -> object:
    return (value.shape, value.dtype.str, value.tobytes()) if isinstance(value, np.ndarray) else value
