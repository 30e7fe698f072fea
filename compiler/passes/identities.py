"""Identities: operations that give their input back as it is go."""

from __future__ import annotations

from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Op, Reshape, Unary
from compiler.ir.values import Value


def merge_repeated_relu(graph: Graph) -> Graph:
    """relu(relu(x)) is relu(x)."""
    relus = {op.output.name for op in graph.ops if isinstance(op, Unary) and op.function == "relu"}

    def transform(op: Op) -> Op | Value:
        if isinstance(op, Unary) and op.function == "relu" and op.inputs[0].name in relus:
            return op.inputs[0]
        return op

    return rewrite(graph, transform)


def remove_reshapes_to_the_same(graph: Graph) -> Graph:
    """A reshape to the same shape is its input; crops and pads of a stream leave such behind."""

    def transform(op: Op) -> Op | Value:
        if isinstance(op, Reshape) and op.inputs[0].shape == op.output.shape and None not in op.output.shape:
            return op.inputs[0]
        return op

    return rewrite(graph, transform)
