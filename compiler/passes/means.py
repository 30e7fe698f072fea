"""Means -> exact sums times a constant: what integers divide by, for they have no division.

A sum of n numbers of 16 bits or fewer, times the integer below 2**s / n, shifted by s: with s so large that the
constant moves no result by more than half a last bit of what is averaged, and never beyond what is averaged. The half
that the shift rounds comes on top. Where n is a power of two the constant is exact.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from compiler.ir import interpreter
from compiler.ir.graph import Graph, rewrite
from compiler.ir.numerics import Format, signed_width
from compiler.ir.operation import Op
from compiler.ir.ops import Binary, Constant
from compiler.ir.reductions import Pool, Reduce

VALUE_BITS = 16  # of what is averaged, at most


def means_as_products(graph: Graph) -> Graph:
    """Each mean as a sum of its terms and a product with what they are divided by."""

    def transform(op: Op) -> Op | list[Op]:
        if not isinstance(op, Reduce | Pool) or op.function != "mean":
            return op
        name, layer = op.output.name, op.output.layer
        total = replace(op, function="sum", output=replace(op.output, name=f"{name}_sum"))
        counts = _counts(op)
        # Of a sum of up to n * 2**(VALUE_BITS - 1), a step of the constant makes at most half a last bit.
        powers = not np.any(np.log2(counts) % 1)
        most = int(counts.max())
        fraction = math.ceil(math.log2(most)) + (0 if powers else VALUE_BITS)
        factors = np.floor(2.0**fraction / counts)
        format, share = Format(True, signed_width(0, int(factors.max())), fraction), factors * 2.0**-fraction
        divisor = replace(op.output, name=f"{name}_share", shape=share.shape, layer=layer)
        return [
            total,
            Constant(inputs=(), output=divisor, value=share, format=format),
            Binary(inputs=(total.output, divisor), output=op.output, function="multiply"),
        ]

    return rewrite(graph, transform)


def _counts(op: Reduce | Pool) -> np.ndarray:
    """How many numbers each mean is of, in as few axes of length 1 as tell them apart."""
    if isinstance(op, Reduce):
        return np.full((1,), float(op.terms))
    ones = np.ones((1, *op.inputs[0].shape[:-1], 1))
    one = replace(op.inputs[0], shape=ones.shape[1:])
    places = replace(op.output, shape=(*op.output.shape[:-1], 1))
    counts = interpreter.plain(replace(op, function="sum", inputs=(one,), output=places), [ones])[0]
    return counts if np.ptp(counts) else counts.reshape(-1)[:1]
