"""Functions of one number as tables of integers: the smallest that keeps within an error, over all inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from compiler.errors import CompileError
from compiler.ir import functions
from compiler.ir.numerics import WIDEST, Format, interpolate, shift_round
from compiler.ir.ops import Quantize, Unary
from compiler.ir.pointwise import Symmetry, Table

MOST_ADDRESS_BITS = 12  # 4,097 entries
MOST_INPUT_BITS = 16
SPARE_BITS = (0, 1, 2, 3)  # by which entries may be finer than the result
MOST_SUM_BITS = 30  # of an entry times a power of two: with a rounding half, 32-bit numbers hold it

# Those that are mirrored at 0: into themselves, or into a constant minus themselves.
MIRRORED: dict[str, tuple[Symmetry, float]] = {
    "tanh": ("odd", 0.0),
    "sigmoid": ("odd", 1.0),
    "sin": ("odd", 0.0),
    "softsign": ("odd", 0.0),
    "tanh_shrink": ("odd", 0.0),
    "cos": ("even", 0.0),
    "square": ("even", 0.0),
}


@dataclass(frozen=True)
class Function:
    """What a table stands for.

    Args:
        name, parameters: As in functions.py.
        source: The format of its input, of 16 bits at most.
        domain: The least and the greatest real number that the input can be; beyond it the table may be anything.
        fraction: Fraction bits of the result.
        lo, hi: What the result is clamped to.
    """

    name: str
    parameters: tuple[float, ...]
    source: Format
    domain: tuple[float, float] | None
    fraction: int
    lo: int
    hi: int


@dataclass(frozen=True, eq=False)
class Made:
    """A table: as in ir.pointwise.Table, and by how many bits its entries are finer than the result."""

    entries: np.ndarray
    fraction_bits: int
    spare_bits: int
    symmetry: Symmetry
    mirror: int
    error: float


def integer_table(op: Unary, results: Sequence[Quantize], target: float) -> Table:
    """A function of real numbers on a grid -> the same on integers.

    Args:
        results: What its values are rounded to.
        target: By how many steps of the finest result it may miss the function.

    Raises:
        CompileError: No table of a bearable size keeps within the target.
    """
    (x,), layer = op.inputs, op.output.layer
    if x.format.width > MOST_INPUT_BITS:
        raise CompileError(f"{op.words} of a number of {x.format.width} bits, more than {MOST_INPUT_BITS}", layer=layer)
    fraction = max(result.format.fraction for result in results)
    finest = [result for result in results if result.format.fraction == fraction]
    lo, hi = min(result.lo for result in finest), max(result.hi for result in finest)
    made = make(Function(op.function, op.parameters, x.format, x.range, fraction, lo, hi), target)
    if made.error > target:
        most = (1 << MOST_ADDRESS_BITS) + 1
        raise CompileError(
            f"a table of {op.words} of {most:,} entries misses it by up to {made.error:.3g} steps of its result, and "
            f"may by {target:g}",
            layer=layer,
            hint=f"Allow more with --table-error {_two_digits_up(made.error)}, or take fewer --bits.",
        )
    return Table(
        inputs=op.inputs,
        output=replace(op.output, format=Format(True, WIDEST, fraction + made.spare_bits + made.fraction_bits)),
        entries=made.entries,
        fraction_bits=made.fraction_bits,
        symmetry=made.symmetry,
        mirror=made.mirror,
        error=made.error,
        function=op.function,
        parameters=op.parameters,
    )


def _two_digits_up(x: float) -> str:
    """The next number of two digits that is not below x."""
    unit = 10.0 ** (math.floor(math.log10(x)) - 1)
    return f"{math.ceil(x / unit) * unit:g}"


@lru_cache(maxsize=64)
def make(function: Function, target: float) -> Made:
    """The table with the fewest entries, and then the shortest ones, that misses its function by at most `target` steps
    of the result, rounding to the nearest included; or, if none does, the best of all.
    """
    best = None
    # The least number is mirrored into the one above its opposite: where a function is steep there, that is too coarse.
    for mirrored in (True, False):
        for made in _Curve(function, mirrored).candidates(target):
            if made.error <= target:
                return made
            best = made if best is None or made.error < best.error else best
    if best is None:
        raise ValueError(f"no table of {function} fits 32 bits")
    return best


class _Curve:
    """A function over all numbers of a format, in steps of the result."""

    def __init__(self, function: Function, mirrored: bool) -> None:
        source = function.source
        symmetry, about = MIRRORED.get(function.name, ("none", 0.0))
        self.about = math.ldexp(about, function.fraction)
        mirrored = mirrored and symmetry != "none" and source.signed and self.about == int(self.about)
        self.symmetry: Symmetry = symmetry if mirrored else "none"
        self.function = function
        self.bits = source.width - mirrored  # of the place in the table
        numbers = np.arange(source.lo, source.hi + 2)  # with the one behind the last, at which the last entry stands
        with np.errstate(over="ignore"):
            wanted = functions.apply(function.name, numbers * source.step, function.parameters)
            wanted = np.ldexp(wanted, function.fraction)
        known = np.isfinite(wanted)
        if function.domain is not None:
            lo, hi = function.domain
            inside = (numbers >= math.floor(math.ldexp(lo, source.fraction))) & (
                numbers <= math.ceil(math.ldexp(hi, source.fraction))
            )
        else:
            inside = np.ones_like(known)
        # Where there is no number, the nearest one; none so large that it would take bits from all others.
        most = 2.0 * max(abs(function.lo), abs(function.hi), 1)
        filled = np.interp(numbers, numbers[known], wanted[known]) if known.any() else np.zeros(len(numbers))
        self.filled = np.clip(filled, -most, most)
        checked = (inside & known)[:-1]
        self.numbers = numbers[:-1][checked].astype(np.int64)
        self.wanted = np.clip(wanted[:-1][checked], function.lo, function.hi)

    def candidates(self, target: float) -> Iterator[Made]:
        """Tables from the fewest entries on."""
        upper = self.filled[-((1 << self.bits) + 1) :]
        for fraction_bits in range(self.bits, -1, -1):
            address_bits = self.bits - fraction_bits
            if address_bits > MOST_ADDRESS_BITS:
                return
            knots = upper[:: 1 << fraction_bits]
            choices = [knots]
            if fraction_bits:
                choices.append(knots + self._bent(upper, knots, fraction_bits))
            for spare in SPARE_BITS if fraction_bits else (0,):
                tables = [self._made(chosen, fraction_bits, spare) for chosen in choices]
                found = [made for made in tables if made is not None]
                if found:
                    yield min(found, key=lambda made: made.error)
                # Finer entries help by less than half a step.
                if not found or (spare == 0 and min(made.error for made in found) > target + 1):
                    break

    def _bent(self, upper: np.ndarray, knots: np.ndarray, fraction_bits: int) -> np.ndarray:
        """What to move each entry by, so that straight lines lie on both sides of the curve: half of what they miss it
        by in their middles."""
        missed = upper[1 << (fraction_bits - 1) :: 1 << fraction_bits] - (knots[:-1] + knots[1:]) / 2
        moved = np.zeros_like(knots)
        moved[0], moved[-1] = missed[0] / 2, missed[-1] / 2
        moved[1:-1] = (missed[:-1] + missed[1:]) / 4
        if self.symmetry == "odd":
            moved[0] = 0
        return moved

    def _made(self, knots: np.ndarray, fraction_bits: int, spare: int) -> Made | None:
        entries = np.rint(np.ldexp(knots, spare)).astype(np.int64)
        shift = spare + fraction_bits
        mirror = int(self.about) << shift if self.symmetry == "odd" else 0
        largest = max(int(np.abs(entries).max()), int(np.abs(np.diff(entries)).max()), abs(mirror) >> fraction_bits)
        if largest << fraction_bits >= 1 << MOST_SUM_BITS:
            return None
        sums = interpolate(self.numbers, self.function.source, entries, fraction_bits, self.symmetry, mirror)
        got = np.clip(shift_round(sums, shift, "half_up"), self.function.lo, self.function.hi)
        error = float(np.abs(got - self.wanted).max(initial=0))
        return Made(entries, fraction_bits, spare, self.symmetry, mirror, error)
