"""Constant folding: what depends on constants alone is computed by the compiler, once."""

from __future__ import annotations

import numpy as np

from compiler.ir import interpreter
from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Constant, Op


def fold_constants(graph: Graph) -> Graph:
    """What depends on constants alone is a constant."""
    known: dict[str, np.ndarray] = {}

    def transform(op: Op) -> Op:
        if isinstance(op, Constant):
            known[op.output.name] = op.value
        elif op.inputs and all(value.name in known for value in op.inputs):
            part = Graph("constant", "frame", op.inputs, (op.output,), (op,))
            arrays = [known[value.name][None] for value in op.inputs]
            known[op.output.name] = interpreter.evaluate(part, arrays)[op.output.name][0]
            return Constant(inputs=(), output=op.output, value=known[op.output.name])
        return op

    return rewrite(graph, transform)
