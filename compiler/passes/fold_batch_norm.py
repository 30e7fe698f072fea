"""Folds the affine map of a batch normalisation into the product before it, or else into those after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Affine, Convolution, MatMul, Op, Window
from compiler.ir.values import Value
from compiler.passes.clean import remove_dead

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

    return remove_dead(rewrite(graph, transform))


def fold_into_products_after(graph: Graph) -> Graph:
    """affine -> windows -> products becomes products on the affine's input.

    The past before the first sample is zero behind the affine map, so before it the state starts at
    -shift/scale, channel by channel; a channel of scale 0 has no such value, and then nothing is folded.
    """
    for affine in [op for op in graph.ops if isinstance(op, Affine)]:
        graph = _fold_after(graph, affine.output.name)
    return graph


def _fold_after(graph: Graph, name: str) -> Graph:
    affine = next(op for op in graph.ops if op.output.name == name)
    assert isinstance(affine, Affine)
    (x,), y = affine.inputs, affine.output
    readers = graph.consumers(y)
    windows = [op for op in readers if isinstance(op, Window)]
    products = [op for op in readers if isinstance(op, MatMul)]
    products += [op for window in windows for op in graph.consumers(window.output) if isinstance(op, MatMul)]
    reads = sum(len(graph.consumers(window.output)) for window in windows) + len(readers) - len(windows)
    foldable = (
        products
        and reads == len(products)
        and not graph.is_output(y)
        and all(product.weights_format is None for product in products)
        and np.all(np.abs(affine.shift) <= LARGEST_RATIO * np.abs(affine.scale))
        and np.all(affine.scale != 0)
    )
    if not foldable:
        return graph
    names = {product.output.name for product in products}

    def transform(op: Op) -> Op | Value:
        if op.output.name == y.name:
            return x
        if op.output.name not in names:
            return op
        # One row of the weights for each tap and channel: the affine map repeats with the channels.
        taps = len(op.weights) // len(affine.scale)
        scale, shift = np.tile(affine.scale, taps), np.tile(affine.shift, taps)
        return replace(
            op,
            output=replace(op.output, folded=(y.layer, *op.output.folded)),
            weights=op.weights * scale[:, None],
            bias=op.bias + shift @ op.weights,
        )

    states = tuple(
        replace(state, initial=(state.initial - affine.shift) / affine.scale) if state.value.name == y.name else state
        for state in graph.states
    )
    return rewrite(replace(graph, states=states), transform)


def _free(op: Op) -> bool:
    """Whether an operation is a product whose weights no quantiser of the file has put on a grid."""
    if isinstance(op, Convolution):
        return op.kernel_format is None
    return isinstance(op, MatMul) and op.weights_format is None


def _only_reader(graph: Graph, value: Value, kind: type[Op]) -> bool:
    readers = graph.consumers(value)
    return len(readers) == 1 and isinstance(readers[0], kind) and not graph.is_output(value)
