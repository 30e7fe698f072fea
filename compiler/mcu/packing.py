"""The order in which a kernel reads the weights of a product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from compiler.mcu.places import CType

Kernels = Literal["cmsis", "c"]
# The most outputs whose sums firmware/runtime/nn_kernels_c.h and nn_kernels_fixed_c.h hold in registers at once.
TILES = {"float": 8, "int32_t": 4, "int64_t": 2}


def reads(accumulator: CType, stored: CType, kernels: Kernels) -> Kernels:
    """Whose product computes sums: CMSIS-DSP has none with 32-bit sums, and none that takes 8-bit weights."""
    return "c" if accumulator == "int32_t" or stored == "int8_t" else kernels


def pack(weights: np.ndarray, accumulator: CType, kernels: Kernels, stored: CType = "int16_t") -> np.ndarray:
    """Weights (inputs, outputs), as they are stored, as one row in the order of reading.

    Those of 8 bits are read output by output, and by CMSIS-DSP all are. The other C kernels read tile by tile, and in
    a tile of floats input by input, in one of integers pair of inputs by pair of inputs, the weights of all outputs
    of the tile each.
    """
    if stored == "int8_t" or reads(accumulator, stored, kernels) == "cmsis":
        return weights.T.ravel()
    inputs = weights.shape[0]
    parts = []
    for start, stop in tiles(weights.shape[1], TILES[accumulator]):
        tile = weights[:, start:stop]
        if accumulator == "float":
            parts.append(tile.ravel())
        else:
            pairs = tile[: inputs - inputs % 2].reshape(inputs // 2, 2, stop - start)
            parts += [pairs.transpose(0, 2, 1).ravel(), tile[inputs - inputs % 2 :].ravel()]
    return np.concatenate(parts)


def tiles(outputs: int, most: int) -> Iterator[tuple[int, int]]:
    """As few (start, stop) of at most `most` outputs as will do, sizes differing by one at most, larger first."""
    count = -(-outputs // most)
    small, larger = divmod(outputs, count)
    start = 0
    for index in range(count):
        stop = start + small + (index < larger)
        yield start, stop
        start = stop
