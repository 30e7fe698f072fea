"""Folds the affine map of a batch normalisation into the product before it, or else into those after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Affine, Convolution, MatMul, Op, Window
from compiler.ir.values import State, Value
from compiler.passes.dead_code import remove_dead_code

# A state that starts at -shift/scale cancels the shift in the first samples. Beyond this ratio the
# cancellation would cost more of float32's precision than the tolerance leaves.
LARGEST_RATIO = 1e3


def fold_into_product_before(graph: Graph) -> Graph:
    """product -> affine becomes one product: always right, whatever the past holds."""
    products: dict[str, MatMul | Convolution] = {}

    def transform(op: Op) -> Op:
        if _free(op) and _only_reader(graph, op.output, Affine):
            products[op.output.name] = op  # dead once the product below stands for both
        if isinstance(op, Affine) and op.inputs[0].name in products:
            product = products[op.inputs[0].name]
            weights = "kernel" if isinstance(product, Convolution) else "weights"
            scaled = {weights: getattr(product, weights) * op.scale, "bias": product.bias * op.scale + op.shift}
            output = replace(op.output, folded=(product.output.layer, *product.output.folded))
            return replace(product, output=output, weights_of=product.layer, **scaled)
        return op

    return remove_dead_code(rewrite(graph, transform))


def fold_into_products_after(graph: Graph) -> Graph:
    """affine -> windows -> products becomes products on the affine's input.

    The past before the first sample is zero behind the affine map, so before it the state starts at
    -shift/scale, channel by channel; a channel of scale 0 has no such value, and then nothing is folded.
    """
    folded = {op.output.name: op for op in graph.ops if isinstance(op, Affine) and _products_after(graph, op)}
    into = {product.output.name: affine for affine in folded.values() for product in _products_after(graph, affine)}

    def transform(op: Op) -> Op | Value:
        if op.output.name in folded:
            return op.inputs[0]
        return _behind(op, into[op.output.name]) if op.output.name in into else op

    def moved(state: State) -> State:
        affine = folded.get(state.value.name)
        return replace(state, initial=(state.initial - affine.shift) / affine.scale) if affine else state

    return rewrite(replace(graph, states=tuple(map(moved, graph.states))), transform)


def _products_after(graph: Graph, affine: Affine) -> list[MatMul]:
    """The products that an affine map can be folded into, all of its readers; none where one of them cannot."""
    readers = graph.consumers(affine.output)
    windows = [op for op in readers if isinstance(op, Window)]
    ends = [op for op in readers if not isinstance(op, Window)]
    ends += [op for window in windows for op in graph.consumers(window.output)]
    foldable = (
        all(isinstance(op, MatMul) and op.weights_format is None for op in ends)
        and not graph.is_output(affine.output)
        and np.all(np.abs(affine.shift) <= LARGEST_RATIO * np.abs(affine.scale))
        and np.all(affine.scale != 0)
    )
    return ends if foldable else []


def _behind(product: MatMul, affine: Affine) -> MatMul:
    # One row of the weights for each tap and channel: the affine map repeats with the channels.
    taps = len(product.weights) // len(affine.scale)
    scale, shift = np.tile(affine.scale, taps), np.tile(affine.shift, taps)
    return replace(
        product,
        output=replace(product.output, folded=(affine.output.layer, *product.output.folded)),
        weights=product.weights * scale[:, None],
        bias=product.bias + shift @ product.weights,
    )


def _free(op: Op) -> bool:
    """Whether an operation is a product whose weights no quantiser of the file has put on a grid."""
    return isinstance(op, Convolution | MatMul) and op.weights_format is None


def _only_reader(graph: Graph, value: Value, kind: type[Op]) -> bool:
    readers = graph.consumers(value)
    return len(readers) == 1 and isinstance(readers[0], kind) and not graph.is_output(value)
