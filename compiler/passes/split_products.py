"""Products of which only parts are read become products of fewer columns, each with formats of its own."""

from __future__ import annotations

from dataclasses import replace

from compiler.ir.graph import Graph, rewrite
from compiler.ir.operation import Op
from compiler.ir.ops import MatMul, Slice
from compiler.passes.dead_code import remove_dead_code


def split_products(graph: Graph) -> Graph:
    """The gates of an LSTM are parts of one product: each goes through a function that bends elsewhere."""
    whole: dict[str, MatMul] = {}

    def transform(op: Op) -> Op:
        if isinstance(op, MatMul):
            whole[op.output.name] = op
        product = whole.get(op.inputs[0].name) if isinstance(op, Slice) else None
        if product is None or op.axis != len(op.output.shape) - 1 or op.step != 1 or graph.is_output(product.output):
            return op
        if not all(isinstance(reader, Slice) for reader in graph.consumers(product.output)):
            return op
        columns = slice(op.start, op.start + op.output.shape[-1])
        parts = {"weights": product.weights[:, columns], "bias": product.bias[columns]}
        return replace(product, output=op.output, weights_of=product.layer, **parts)

    return remove_dead_code(rewrite(graph, transform))
