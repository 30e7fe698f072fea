"""Rounds constants to the numbers that a device holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Op


def round_to_float32(graph: Graph) -> Graph:
    """The last float pass: every constant becomes the float32 that the device holds."""

    def rounded(thing: object) -> object:
        if isinstance(thing, np.ndarray):
            return np.asarray(thing, np.float32)
        return round_to_float32(thing) if isinstance(thing, Graph) else thing

    def transform(op: Op) -> Op:
        own = [(key, value) for key, value in op.attributes().items() if key not in op.whole]
        changed = {key: rounded(value) for key, value in own if isinstance(value, np.ndarray | Graph)}
        return replace(op, **changed) if changed else op

    result = rewrite(graph, transform)
    return replace(result, states=tuple(replace(s, initial=np.asarray(s.initial, np.float32)) for s in result.states))
