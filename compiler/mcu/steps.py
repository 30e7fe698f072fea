"""The steps of a schedule: what a build does with each sample, or each frame, and where its numbers lie.

A step is plain data. calls.py prints steps as C, interpreter.py runs them in numpy, and neither decides anything. A
step that does what an operation of compiler.ir.ops does has its name; Push, Copy, Fill and Move have no operation of
their own, and Scan, which holds a schedule, stands in schedule.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from compiler.ir.grids import Grids
from compiler.ir.numerics import Format, Rounding
from compiler.ir.ops import BinaryFunction
from compiler.ir.pointwise import Symmetry
from compiler.ir.reductions import PoolFunction, ReduceFunction
from compiler.mcu.places import CType, Place, Ring
from compiler.mcu.strides import Walk

Activation = Literal["linear", "relu", "tanh", "sigmoid"]  # what a product can end with


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One thing done with a sample. `name` is that of the value it computes, or of the ring it fills."""

    name: str
    sources: tuple[Place, ...]

    @property
    def source(self) -> Place:
        """The first, and mostly the only, source."""
        return self.sources[0]

    @property
    def aligned(self) -> tuple[int, ...]:
        """The sources whose element i is read for element i of the target alone: the target may lie over them."""
        return ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Push(Step):
    """The present sample takes the place of the oldest in a ring; at rest, of every one."""

    ring: Ring


@dataclass(frozen=True, eq=False, kw_only=True)
class Compute(Step):
    """A step that writes a value, or a part of one."""

    target: Place
    work: Place | None = None
    """Memory it needs meanwhile."""


class Elementwise(Compute):
    """A step whose target is as large as its only source."""

    @property
    def aligned(self) -> tuple[int, ...]:
        """The source."""
        return (0,)


@dataclass(frozen=True, eq=False, kw_only=True)
class Window(Compute):
    """taps x channels: the samples (taps-1)*dilation, ..., dilation steps ago from a ring, then the present one.

    At rest, where every sample has always been the same, that is the present one `taps` times.
    """

    ring: Ring
    taps: int
    dilation: int


@dataclass(frozen=True)
class Rescale:
    """Drops `shift` bits with rounding, then clamps to [lo, hi]."""

    shift: int
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False, kw_only=True)
class MatMul(Compute):
    """Each row of the target = end(bias + row of the source @ weights), where end is an activation (float) or a
    rescale (integers) or nothing.

    Args:
        weights: (inputs, outputs), float32 or int64.
        bias: (outputs,), the same.
        accumulator: What the sums are held in.
        rows: How many.
        activation: Of a float product.
        rescale: Of an integer product; None leaves the accumulators as they are.
        stored: The type that the weights have in memory.
        up: (outputs,) for weights of 8 bits: by how many bits those in memory have to be shifted to be the weights.
    """

    weights: np.ndarray
    bias: np.ndarray
    accumulator: CType
    rows: int = 1
    activation: Activation = "linear"
    rescale: Rescale | None = None
    stored: CType = "float"
    up: np.ndarray | None = None


@dataclass(frozen=True)
class Boxes:
    """How boxes move over (height, width, channels); one axis of space is a height of 1.

    Args:
        space: Height and width of what they move over, without padding.
        steps: How many positions they take on each axis.
        taps, strides, dilation: Of the boxes, on each axis.
        before: Padding in front, on each axis.
    """

    space: tuple[int, int]
    steps: tuple[int, int]
    taps: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    before: tuple[int, int]

    @property
    def positions(self) -> int:
        """How many boxes."""
        return self.steps[0] * self.steps[1]

    @property
    def box(self) -> int:
        """Taps of one box."""
        return self.taps[0] * self.taps[1]


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Compute):
    """target = end(bias + boxes of the source, padded with zeros, @ kernel), group by group; the end as of a MatMul.

    Args:
        kernel: (groups, taps * channels of a group, filters of a group).
        bias: (groups * filters of a group,).
        depthwise: A group is one channel; then no box is gathered.
        accumulator, activation, rescale, stored, up: As a MatMul has them.
    """

    boxes: Boxes
    kernel: np.ndarray
    bias: np.ndarray
    depthwise: bool
    accumulator: CType = "float"
    activation: Activation = "linear"
    rescale: Rescale | None = None
    stored: CType = "float"
    up: np.ndarray | None = None

    @property
    def channels(self) -> int:
        """Of a group of the source."""
        return self.kernel.shape[1] // self.boxes.box


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Compute):
    """target = maximum, mean or sum of boxes of the source, padding left out."""

    boxes: Boxes
    channels: int
    function: PoolFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(Elementwise):
    """target = source * scale + shift along the last axis, float32."""

    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Unary(Elementwise):
    """target = function(source), one of functions.py."""

    function: str
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Pointwise(Elementwise):
    """target = rescale(an exact function of each integer of the source); no rescale leaves the sums as they are."""

    accumulator: CType
    rescale: Rescale | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Piecewise(Pointwise):
    """Of straight pieces: compiler.ir.numerics.piecewise."""

    thresholds: np.ndarray
    slopes: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Pointwise):
    """From a table: compiler.ir.numerics.interpolate.

    Args:
        given: The format of the source.
        table: What the entries are called: steps with the same ones share them.
    """

    given: Format
    entries: np.ndarray
    fraction_bits: int
    symmetry: Symmetry
    mirror: int
    table: str

    @property
    def entry(self) -> CType:
        """The least type that holds every entry."""
        return "int16_t" if self.entries.min() >= -(1 << 15) and self.entries.max() < 1 << 15 else "int32_t"


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantize(Elementwise):
    """target = source on the grid of 2**-fraction, between lo and hi grid units; floats all the same."""

    fraction: int
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantizeEach(Elementwise):
    """target = source, each place of `grids` on its own grid, over and over; floats all the same."""

    grids: Grids
    rounding: Rounding

    @property
    def table(self) -> np.ndarray:
        """Of each place, in C order: its steps in 1, one step, its least and its greatest number of steps."""
        powers = (self.grids.fraction - self.grids.coarser).reshape(-1).astype(np.float64)
        bounds = self.grids.lo.reshape(-1), self.grids.hi.reshape(-1)
        return np.stack([2.0**powers, 2.0**-powers, *bounds], axis=-1).astype(np.float32).reshape(-1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantize(Elementwise):
    """target = rescale(source), computed in the `wide` type."""

    rescale: Rescale
    wide: CType


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum(Compute):
    """target = the sum of factor * source over the sources, one after the other, all as large as the target."""

    factors: tuple[int, ...]

    @property
    def aligned(self) -> tuple[int, ...]:
        """The first source, which alone is read before the target holds a part of the sum."""
        return (0,)


@dataclass(frozen=True, eq=False, kw_only=True)
class Copy(Elementwise):
    """target = source."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fill(Compute):
    """target = value, everywhere."""

    value: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Move(Compute):
    """Element by element from the source into the target, which it need not cover: the walk's operands."""

    walk: Walk
    start: tuple[int, int]
    """The elements of the source and of the target where the walk begins."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Walked(Compute):
    """A step that makes the target one element after the other from elements of each source."""

    walk: Walk

    @property
    def aligned(self) -> tuple[int, ...]:
        """The sources that are as large as the target."""
        return tuple(index for index, place in enumerate(self.sources) if place.size == self.target.size)


@dataclass(frozen=True, eq=False, kw_only=True)
class Binary(Walked):
    """target[i] = function of an element of both sources, the walk's operands."""

    function: BinaryFunction

    @property
    def straight(self) -> bool:
        """Whether integers of 16 bits are taken together one after the other."""
        short = all(place.ctype == "int16_t" for place in self.sources) and self.target.ctype in ("int16_t", "int32_t")
        return short and all(self.walk.is_run(operand) for operand in range(len(self.sources)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Select(Walked):
    """target[i] = where the first source is above 0, the second, else the third: the walk's operands."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reduce(Compute):
    """Every element of the source goes into one of the target: the walk's operands are source and target."""

    function: ReduceFunction
    walk: Walk


@dataclass(frozen=True, eq=False, kw_only=True)
class Dot(Compute):
    """batch x (n, k) and batch x (m, k) -> batch x (n, m): products of rows."""

    batch: int
    n: int
    m: int
    k: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather(Compute):
    """Rows of a table, (entries, width), by the whole numbers in the source, clamped."""

    table: np.ndarray
