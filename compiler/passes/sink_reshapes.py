"""Reshapes sink behind what does not care for shapes, so that products meet what can be folded into them."""

from __future__ import annotations

from dataclasses import replace

from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Affine, Op, Quantize, Reshape, Unary
from compiler.ir.values import Value
from compiler.names import Namer
from compiler.passes.dead_code import remove_dead_code


def sink_reshapes(graph: Graph) -> Graph:
    """Operations on each number, or each channel, go before a reshape.

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

    return remove_dead_code(rewrite(graph, transform))
