"""Terms of a sum that are repeated along an axis -> copies in full: integers are added where they lie side by side."""

from __future__ import annotations

from dataclasses import replace

from compiler.ir.graph import Graph, rewrite
from compiler.ir.movement import Repeat, Reshape
from compiler.ir.operation import Op
from compiler.ir.ops import Binary
from compiler.ir.values import Value


def spread_terms(graph: Graph) -> Graph:
    """Gives the terms of each sum one shape. Where an axis has no known length, the sum stays as it is."""

    def transform(op: Op) -> Op | list[Op]:
        if not isinstance(op, Binary) or op.function not in ("add", "subtract") or None in op.output.shape:
            return op
        before: list[Op] = []
        terms = [_spread(op, n, before) for n in range(len(op.inputs))]
        return [*before, replace(op, inputs=tuple(terms))] if before else op

    return rewrite(graph, transform)


def _spread(op: Binary, number: int, before: list[Op]) -> Value:
    """A term in the shape of the sum, and on the way what makes it so."""
    value, wanted = op.inputs[number], op.output.shape
    name = f"{op.output.name}_spread_{number}"
    full = (1,) * (len(wanted) - len(value.shape)) + value.shape
    if full != value.shape:
        before.append(Reshape(inputs=(value,), output=replace(value, name=name, shape=full, layer=op.output.layer)))
        value = before[-1].output
    for axis, (have, want) in enumerate(zip(full, wanted, strict=True)):
        if have != want:
            shape = (*value.shape[:axis], want, *value.shape[axis + 1 :])
            output = replace(value, name=f"{name}_{axis}", shape=shape, layer=op.output.layer)
            before.append(Repeat(inputs=(value,), output=output, axis=axis, times=want))
            value = output
    return value
