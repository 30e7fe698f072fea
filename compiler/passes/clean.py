"""Removes what computes nothing: dead operations, and activations that repeat the one before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Affine, Op, Quantize, Reshape, Unary
from compiler.ir.values import Value
from compiler.names import Namer


def remove_dead(graph: Graph) -> Graph:
    """Keeps what the outputs depend on."""
    fed_back = {state.name: state.value.name for state in graph.states}
    makers = {op.output.name: op for op in graph.ops}
    live: set[str] = set()
    pending = [value.name for value in graph.outputs]
    while pending:
        name = pending.pop()
        if name in live:
            continue
        live.add(name)
        if name in makers:
            op = makers[name]
            pending += [value.name for value in op.inputs]
            # A Recall lives on what is computed further down.
            pending += [fed_back[op.state_read]] if op.state_read else []
    kept = tuple(op for op in graph.ops if op.output.name in live)
    read = {op.state_read for op in kept}
    return replace(graph, ops=kept, states=tuple(state for state in graph.states if state.name in read))


def merge_repeated_relu(graph: Graph) -> Graph:
    """relu(relu(x)) is relu(x)."""
    relus = {op.output.name for op in graph.ops if isinstance(op, Unary) and op.function == "relu"}

    def transform(op: Op) -> Op | Value:
        if isinstance(op, Unary) and op.function == "relu" and op.inputs[0].name in relus:
            return op.inputs[0]
        return op

    return rewrite(graph, transform)


def remove_renamings(graph: Graph) -> Graph:
    """A reshape to the same shape is its input; crops and pads of a stream leave such behind."""

    def transform(op: Op) -> Op | Value:
        if isinstance(op, Reshape) and op.inputs[0].shape == op.output.shape and None not in op.output.shape:
            return op.inputs[0]
        return op

    return rewrite(graph, transform)


def sink_reshapes(graph: Graph) -> Graph:
    """Operations on each number, or each channel, go before a reshape: then products meet what can be folded into them.

    Two reshapes in a row become one, or none.
    """
    reshapes: dict[str, Value] = {}  # what was reshaped into the value of that name
    namer = Namer({value.name for value in graph.inputs} | {op.output.name for op in graph.ops})

    def transform(op: Op) -> Op | list[Op] | Value:
        source = reshapes.get(op.inputs[0].name) if op.inputs else None
        if isinstance(op, Reshape):
            source = source or op.inputs[0]
            reshapes[op.output.name] = source
            return source if source.shape == op.output.shape else replace(op, inputs=(source,))
        by_number = isinstance(op, Unary | Quantize)
        by_channel = isinstance(op, Affine) and source is not None and source.shape[-1:] == op.output.shape[-1:]
        if source is None or not (by_number or by_channel):
            return op
        before = replace(op.output, name=namer(f"{op.output.name}_before"), shape=source.shape)
        reshapes[op.output.name] = before
        return [replace(op, inputs=(source,), output=before), Reshape(inputs=(before,), output=op.output)]

    return remove_dead(rewrite(graph, transform))


def round_to_float32(graph: Graph) -> Graph:
    """The last float pass: every constant becomes the float32 that the device holds."""

    def rounded(thing: object) -> object:
        if isinstance(thing, np.ndarray):
            return np.asarray(thing, np.float32)
        return round_to_float32(thing) if isinstance(thing, Graph) else thing

    def transform(op: Op) -> Op:
        own = op.attributes().items()
        changed = {key: rounded(value) for key, value in own if isinstance(value, np.ndarray | Graph)}
        return replace(op, **changed) if changed else op

    result = rewrite(graph, transform)
    return replace(result, states=tuple(replace(s, initial=np.asarray(s.initial, np.float32)) for s in result.states))
