"""A product's numbers as integers, its bias on a grid that is fine enough for what is made of the sums.

Products of inputs and weights lie on the grid 2**-products. A bias need not: QKeras quantises none unless told to, and
where inputs and weights have few fraction bits, rounding the bias to their grid would move outputs, or lose it.
The sums are rounded afterwards, so what counts is on which side of each rounding threshold a sum falls. Thresholds
lie halfway between the outputs' steps (on them, when rounding is by floor), and products + bias >= threshold asks
where the bias lies between neighbouring points of the grid that holds both products and thresholds. One bit behind
that grid answers it: set, for a bias in between, it keeps every sum off the thresholds, on the right side. Then the
outputs are those of the real bias, whatever it is.

Where a product is a term of a sum, other terms move those thresholds; its bias only has to be fine enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.numerics import WIDEST, Format, Rounding, signed_width
from compiler.ir.ops import Binary, Convolution, MatMul, Quantize
from compiler.passes.pieces import bounds_of_clamp

WEIGHT_BITS = 16  # a finer grid takes bits from the weights, which have so many at most
# Sums of 32 bits cost a processor half of what longer ones do. Where products are finer than the output's steps by so
# many bits, a bias without a quantiser does not make sums longer: rounded to their grid, it moves one by at most
# 2**-(ENOUGH + 1) steps.
SHORT, ENOUGH = 32, 6


@dataclass(frozen=True)
class OutputGrid:
    """The grid that the sums of a product are rounded to, and how; and whether other terms are added before."""

    fraction: int
    rounding: Rounding
    with_others: bool = False

    @property
    def thresholds(self) -> int:
        """Fraction bits of the numbers at which the rounded value changes."""
        return self.fraction + (self.rounding != "floor")


def output_grids(graph: Graph) -> Mapping[str, Sequence[OutputGrid]]:
    """By the name of a product's output: the quantisers that read it, at once or behind a relu or sums."""
    grids: dict[str, list[OutputGrid]] = {}
    # By the name of a value: the products that it is made of, and whether by a sum.
    origins = {op.output.name: {op.output.name: False} for op in graph.ops if isinstance(op, MatMul | Convolution)}
    for op in graph.ops:
        products = {name: summed for x in op.inputs for name, summed in origins.get(x.name, {}).items()}
        if bounds_of_clamp(op) is not None:
            origins[op.output.name] = products
        elif isinstance(op, Binary) and op.function in ("add", "subtract"):
            origins[op.output.name] = dict.fromkeys(products, True)
        elif isinstance(op, Quantize):
            for name, summed in products.items():
                grids.setdefault(name, []).append(OutputGrid(op.format.fraction, op.rounding, summed))
    return grids


def integer_product(op: MatMul | Convolution, format: Format, outputs: Sequence[OutputGrid]) -> MatMul | Convolution:
    """A product of real numbers on grids -> the same on integers.

    Args:
        format: Of its input.
        outputs: What its sums are rounded to.

    Raises:
        CompileError: Its weights lie on no grid, or its bias is too large for any accumulator.
    """
    weights = _integers(op.matrix, op.weights_format.fraction)
    if weights is None:
        raise CompileError(f"its weights do not lie on the grid of {op.weights_format}", layer=op.layer)
    products = format.fraction + op.weights_format.fraction
    most = int(np.abs(weights).sum(axis=0).max(initial=0)) * max(-format.lo, format.hi)
    fraction, bias, error = _Place(op.bias, products, outputs, _spare_bits(weights), most).find(op.bias_format is None)
    extra = fraction - products
    grid = Format(True, op.weights_format.width + extra, op.weights_format.fraction + extra)
    return op.with_matrix(
        weights << extra,
        bias=_checked(op, bias),
        weights_format=grid,
        bias_error=error,
        output=replace(op.output, format=Format(True, WIDEST, fraction)),
    )


@dataclass(frozen=True, eq=False)
class _Place:
    """Where a bias is put.

    Args:
        bias: Real numbers.
        products: Fraction bits of the products.
        outputs: What the sums are rounded to.
        spare: By how many bits more the accumulator's grid may be finer than that of the products.
        most: The greatest magnitude of a sum of products, on their own grid.
    """

    bias: np.ndarray
    products: int
    outputs: Sequence[OutputGrid]
    spare: int
    most: int

    def find(self, may_be_rounded: bool) -> tuple[int, np.ndarray, float | None]:
        """The accumulator's fraction bits, the bias as floats that hold whole numbers, and by how many of the output's
        steps it misses the real one, where that may show."""
        exact, products = self._exact(), self.products
        if any(grid.with_others for grid in self.outputs):
            return self._fine_enough(may_be_rounded)
        enough = may_be_rounded and self._steps + ENOUGH <= products
        if exact and (not enough or self._is_short(exact[0]) or not self._is_short(products)):
            return *exact, None
        return self._rounded(products if enough else products + self.spare)

    def _fine_enough(self, may_be_rounded: bool) -> tuple[int, np.ndarray, float | None]:
        """On the coarsest grid that holds the bias or, if it may be rounded, is so much finer than the steps."""
        finest = self.products + self.spare
        fractions = range(self.products, finest)
        fine = (f for f in fractions if _holds(self.bias, f) or (may_be_rounded and f >= self._steps + ENOUGH))
        return self._rounded(next(fine, finest))

    def _rounded(self, fraction: int) -> tuple[int, np.ndarray, float | None]:
        real = _scaled(self.bias, fraction)
        error = float(_scaled(np.abs(real - np.rint(real)), self._steps - fraction).max(initial=0))
        return fraction, np.rint(real), error if error > 2.0 ** -(ENOUGH + 1) else None

    @property
    def _steps(self) -> int:
        """Fraction bits of the finest output."""
        return max((grid.fraction for grid in self.outputs), default=self.products)

    def _exact(self) -> tuple[int, np.ndarray] | None:
        """The coarsest grid on which every rounding comes out as with the real bias; None where it is too fine."""
        decisive = max([self.products, *(grid.thresholds for grid in self.outputs)])
        finest = self.products + self.spare
        for fraction in range(self.products, min(decisive, finest) + 1):
            if _holds(self.bias, fraction):
                return fraction, _scaled(self.bias, fraction)
        if decisive >= finest:
            return None
        real = _scaled(self.bias, decisive)
        below = np.floor(real)
        return decisive + 1, 2 * below + (below != real)

    def _is_short(self, fraction: int) -> bool:
        """Whether sums on a grid, and the half that rounding adds to them, have few bits."""
        half = 2.0 ** (fraction - self._steps - 1)
        bias = float(_scaled(np.abs(self.bias), fraction).max(initial=0))
        return self.most * 2.0 ** (fraction - self.products) + bias + half < 1 << (SHORT - 1)


def _spare_bits(weights: np.ndarray) -> int:
    """By how many bits all weights can be shifted and still have no more than they may."""
    if not weights.any():
        return WEIGHT_BITS
    return max(0, WEIGHT_BITS - signed_width(int(weights.min()), int(weights.max())))


def _scaled(numbers: np.ndarray, fraction: int) -> np.ndarray:
    """Times 2**fraction: exact in floating point, or infinite."""
    with np.errstate(over="ignore"):
        return np.ldexp(numbers, fraction)


def _holds(numbers: np.ndarray, fraction: int) -> bool:
    scaled = _scaled(numbers, fraction)
    return np.array_equal(scaled, np.rint(scaled))


def _integers(numbers: np.ndarray, fraction: int) -> np.ndarray | None:
    scaled = _scaled(numbers, fraction)
    whole = np.array_equal(scaled, np.rint(scaled)) and np.abs(scaled).max(initial=0) <= 1 << 31
    return scaled.astype(np.int64) if whole else None


def _checked(op: MatMul | Convolution, bias: np.ndarray) -> np.ndarray:
    largest = np.abs(bias).max(initial=0)
    if not largest < 1 << (WIDEST - 2):
        raise CompileError(
            f"its bias, up to {np.abs(op.bias).max():g}, needs an accumulator of more than {WIDEST} bits",
            layer=op.layer,
            hint="Its inputs and weights have very fine grids: give them fewer fraction bits.",
        )
    return bias.astype(np.int64)
