"""Formats of a width for numbers up to a bound, and grids for weights: one a layer, or one for each of its outputs.

Weights of few bits lose most where one output's are large and another's small. In frames each output has fraction bits
of its own: the layer's grid is the finest, and the weights of a coarser output end in zeros, which need no memory: the
sum is shifted instead. All outputs have one accumulator format, and one requantisation.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from compiler.ir.numerics import Format, dequantize, quantize
from compiler.ir.ops import Convolution, MatMul

# Bits of a whole part; beyond them a number is none in 32-bit floating point, or a zero.
MOST_INTEGER_BITS, LEAST_INTEGER_BITS = 128, -149
WEIGHT_BITS = 16  # with the zeros at their end
SHORT = 30  # bits of a sum that a processor of 32 bits takes in its stride, whatever rounding adds


def format_for(bound: float, width: int) -> Format:
    """The signed format of a width with the most fraction bits that holds numbers up to a bound in magnitude."""
    integer_bits = max(LEAST_INTEGER_BITS, math.ceil(math.log2(bound))) if bound > 0 else 0
    return Format(True, width, width - 1 - integer_bits)


def on_weights_grid(op: MatMul | Convolution, bits: int, finest: int | None = None) -> MatMul | Convolution:
    """A product whose weights lie on a grid: the file's, or one of so many bits, of at most `finest` fraction bits."""
    if op.weights_format is not None:
        return op
    format = format_for(float(np.abs(op.matrix).max(initial=0)), bits)
    format = replace(format, fraction=min(format.fraction, format.fraction if finest is None else finest))
    return op.with_matrix(dequantize(quantize(op.matrix, format), format), weights_format=format)


def on_grids_of_outputs(op: MatMul | Convolution, bits: int, finest: int, given: Format) -> MatMul | Convolution:
    """The same with a grid of so many bits for each output, as far as sums stay as short as they are with one.

    Args:
        given: The format of its input.
    """
    if op.weights_format is not None:
        return op
    columns = np.abs(op.matrix).max(axis=0, initial=0)
    own = np.array([min(format_for(float(most), bits).fraction, finest) for most in columns])
    coarsest = int(own[columns > 0].min(initial=finest))
    if not columns.any():
        return on_weights_grid(op, bits, finest)
    most = np.abs(op.matrix).sum(axis=0) * max(-given.lo, given.hi) + np.ldexp(np.abs(op.bias), given.fraction)
    short = math.floor(SHORT - math.log2(float(most.max())))  # fraction bits with which all sums are
    limit = coarsest + WEIGHT_BITS - bits
    fraction = min(int(own[columns > 0].max()), limit if short < coarsest else min(limit, short))
    grids = [Format(True, bits, min(int(fine), fraction)) for fine in own]
    weights = [dequantize(quantize(op.matrix[:, n], grid), grid) for n, grid in enumerate(grids)]
    return op.with_matrix(np.stack(weights, axis=1), weights_format=Format(True, bits + fraction - coarsest, fraction))
