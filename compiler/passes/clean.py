"""Removes what computes nothing: dead operations, and activations that repeat the one before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.graph import Affine, Graph, MatMul, Op, Unary, Value, rewrite


def remove_dead(graph: Graph) -> Graph:
    """Keeps what the outputs depend on."""
    live = {value.name for value in graph.outputs}
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if op.output.name in live:
            live.update(value.name for value in op.inputs)
            kept.append(op)
    read = {op.state for op in kept if hasattr(op, "state")}
    states = tuple(state for state in graph.states if state.name in read)
    return replace(graph, ops=tuple(reversed(kept)), states=states)


def merge_repeated_relu(graph: Graph) -> Graph:
    """relu(relu(x)) is relu(x)."""
    relus = {op.output.name for op in graph.ops if isinstance(op, Unary) and op.function == "relu"}

    def transform(op: Op) -> Op | Value:
        if isinstance(op, Unary) and op.function == "relu" and op.inputs[0].name in relus:
            return op.inputs[0]
        return op

    return rewrite(graph, transform)


def round_to_float32(graph: Graph) -> Graph:
    """The last float pass: every constant becomes the float32 that the device holds."""

    def transform(op: Op) -> Op:
        if isinstance(op, MatMul):
            return replace(op, weights=np.float32(op.weights), bias=np.float32(op.bias))
        if isinstance(op, Affine):
            return replace(op, scale=np.float32(op.scale), shift=np.float32(op.shift))
        return op

    rounded = rewrite(graph, transform)
    states = tuple(replace(state, initial=np.float32(state.initial)) for state in rounded.states)
    return replace(rounded, states=states)
