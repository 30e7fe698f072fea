"""Removes the taps of a convolution that only ever see padding: over one time step, `same` is a Dense layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.ir.graph import Graph, rewrite
from compiler.ir.ops import Convolution, Op


def remove_dead_taps(graph: Graph) -> Graph:
    """Cuts taps off both ends of each axis of space; those in the middle, between two live ones, stay."""

    def transform(op: Op) -> Op:
        if not isinstance(op, Convolution) or None in (*op.inputs[0].shape, *op.output.shape):
            return op
        for axis in range(len(op.strides)):
            op = _cut(op, axis)
        return op

    return rewrite(graph, transform)


def _cut(op: Convolution, axis: int) -> Convolution:
    size, positions, stride = op.inputs[0].shape[axis], op.output.shape[axis], op.strides[axis]
    (before, after), step = op.padding[axis], op.dilation[axis]
    taps = op.kernel.shape[axis]
    # Where each tap is at the first position at which it is not in front of the input.
    offset = np.arange(taps) * step - before
    position = np.maximum(0, -(offset // stride))
    alive = (position < positions) & (position * stride + offset < size)
    first, last = 0, taps - 1
    # Padding cannot become negative: such taps stay, and multiply zeros.
    while first < last and not alive[first] and before >= step:
        first, before = first + 1, before - step
    while first < last and not alive[last] and after >= step:
        last, after = last - 1, after - step
    kernel = np.take(op.kernel, np.arange(first, last + 1), axis=axis)
    padding = tuple((before, after) if i == axis else pads for i, pads in enumerate(op.padding))
    return replace(op, kernel=kernel, padding=padding)
