"""The steps of a schedule: what a build does with each sample, or each frame, and where its numbers lie.

A step is plain data. calls.py prints steps as C, execute.py runs them in numpy, and neither decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from compiler.mcu.strides import Walk
from compiler.numerics import Rounding
from compiler.ops import BinaryFunction, ReduceFunction

CType = Literal["float", "int16_t", "int32_t", "int64_t"]
Activation = Literal["linear", "relu", "tanh", "sigmoid"]  # what a product can end with
BYTES: dict[CType, int] = {"float": 4, "int16_t": 2, "int32_t": 4, "int64_t": 8}
DTYPES: dict[CType, type[np.generic]] = {
    "float": np.float32,
    "int16_t": np.int16,
    "int32_t": np.int32,
    "int64_t": np.int64,
}
LARGE_SCRATCH = 1024  # bytes: more than that is no burden for a stack, so it lies in the state


@dataclass(frozen=True)
class Place:
    """A stretch of memory that holds one value of the present sample, or a part of one.

    Args:
        area: The caller's inputs and outputs, a ring of one sample, a table of constants, or the scratch area of
            the element type; "planned" while the schedule is being made.
        ctype: Type of its elements.
        offset: Elements from the start of the area.
        size: Elements.
        which: The input, output or planned buffer by number; the ring or table by name.
    """

    area: Literal["in", "out", "ring", "table", "scratch", "planned"]
    ctype: CType
    offset: int
    size: int
    which: int | str = 0

    @property
    def memory(self) -> tuple[str, CType, int | str]:
        """What two places have in common that may overlap."""
        return self.area, self.ctype, self.which


@dataclass(frozen=True, eq=False)
class Ring:
    """Storage of the last `length` samples of a value, the present one apart.

    Args:
        channels: Numbers in a sample.
        initial: (channels,), what every sample is after a reset.
        silence: (channels,), what every sample is when zeros have come in for ever; None where there is no telling.
    """

    name: str
    ctype: CType
    channels: int
    length: int
    initial: np.ndarray
    silence: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Elements."""
        return self.length * self.channels


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
class Gather(Compute):
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
class Product(Compute):
    """Each row of the target = end(bias + row of the source @ weights), where end is an activation (float) or a
    rescale (integers) or nothing.

    Args:
        weights: (inputs, outputs), float32 or int64.
        bias: (outputs,), the same.
        accumulator: What the sums are held in.
        rows: How many; more than one in float alone.
        activation: Of a float product.
        rescale: Of an integer product; None leaves the accumulators as they are.
    """

    weights: np.ndarray
    bias: np.ndarray
    accumulator: CType
    rows: int = 1
    activation: Activation = "linear"
    rescale: Rescale | None = None


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
class Convolve(Compute):
    """target = activation(bias + boxes of the source, padded with zeros, @ kernel), group by group.

    Args:
        kernel: (groups, taps * channels of a group, filters of a group).
        bias: (groups * filters of a group,).
        depthwise: A group is one channel; then no box is gathered.
    """

    boxes: Boxes
    kernel: np.ndarray
    bias: np.ndarray
    depthwise: bool
    activation: Activation = "linear"

    @property
    def channels(self) -> int:
        """Of a group of the source."""
        return self.kernel.shape[1] // self.boxes.box


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Compute):
    """target = maximum or mean of boxes of the source, padding left out."""

    boxes: Boxes
    channels: int
    function: Literal["max", "mean"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaleShift(Elementwise):
    """target = source * scale + shift along the last axis, float32."""

    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Activate(Elementwise):
    """target = function(source), one of functions.py."""

    function: str
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundToGrid(Elementwise):
    """target = source on the grid of 2**-fraction, between lo and hi grid units; floats all the same."""

    fraction: int
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantize(Elementwise):
    """target = rescale(source), computed in the `wide` type."""

    rescale: Rescale
    wide: CType


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
class Combine(Compute):
    """target[i] = function of an element of each source: the walk's operands, the target one after the other.

    "select" has three sources: where the first is above 0, the second, else the third.
    """

    function: BinaryFunction | Literal["select"]
    walk: Walk

    @property
    def aligned(self) -> tuple[int, ...]:
        """The sources that are as large as the target."""
        return tuple(index for index, place in enumerate(self.sources) if place.size == self.target.size)


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
class Lookup(Compute):
    """Rows of a table, (entries, width), by the whole numbers in the source, clamped."""

    table: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan(Compute):
    """Runs the schedule of a body over the parts of the source, from reset; see compiler.ops.Scan."""

    body: Schedule
    steps: int
    reverse: bool
    sequences: bool


@dataclass(frozen=True)
class Traced:
    """A value that exists in memory after step `after` (-1: before the first), for comparing layer by layer."""

    name: str
    shape: tuple[int, ...]
    place: Place
    after: int


@dataclass(frozen=True)
class Port:
    """One of the caller's inputs or outputs: what it carries, and bits behind the binary point, 0 for floats."""

    name: str
    shape: tuple[int, ...]
    place: Place
    fraction: int = 0


@dataclass(frozen=True, eq=False)
class Schedule:
    """All a build does with one sample or one frame.

    Args:
        frames: Whether it takes whole frames and remembers nothing.
        constants: Tables that are values themselves.
        rest: The steps that make every ring what it is when one sample has come in for ever. In a recurrent
            graph they bring the rings closer to it, if at all.
        scratch: Elements of each scratch area.
        receptive_field: Samples; None without limit.
        warm_up: Samples at the beginning that Keras would not give.
    """

    frames: bool
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    rings: tuple[Ring, ...]
    constants: dict[str, np.ndarray]
    steps: tuple[Step, ...]
    rest: tuple[Step, ...]
    values: tuple[Traced, ...]
    scratch: dict[CType, int]
    receptive_field: int | None
    warm_up: int

    @property
    def fixed(self) -> bool:
        """Whether its numbers are integers."""
        return self.inputs[0].place.ctype != "float"

    @property
    def state_bytes(self) -> int:
        """What it remembers: a position of 4 bytes a ring, then the rings, then padding."""
        return _whole(sum(4 + ring.size * BYTES[ring.ctype] for ring in self.rings))

    @property
    def scans(self) -> tuple[Scan, ...]:
        """The steps that run a body."""
        return tuple(step for step in self.steps if isinstance(step, Scan))

    @property
    def bodies_bytes(self) -> int:
        """The memory that scans share: one runs at a time."""
        return max((scan.body.struct_bytes for scan in self.scans), default=0)

    @property
    def scratch_bytes(self) -> int:
        """What it needs while it runs, on the stack or in the state, bodies' memory included."""
        return self._flat_scratch + self.bodies_bytes

    @property
    def scratch_in_state(self) -> bool:
        """Whether the scratch areas lie in the state, not on the stack."""
        return not self.fixed and self._flat_scratch > LARGE_SCRATCH

    @property
    def struct_bytes(self) -> int:
        """sizeof of the state; 4 where it would be nothing."""
        scratch = self._flat_scratch if self.scratch_in_state else 0
        return max(4, self.state_bytes + scratch + self.bodies_bytes)

    @property
    def _flat_scratch(self) -> int:
        return sum(size * BYTES[ctype] for ctype, size in self.scratch.items())

    @property
    def weights_bytes(self) -> int:
        """Bytes of all constant tables: weights, biases, scales, shifts, constants, initial states other than zero.

        The rest state of silence is not among them: only a program that asks for it links it.
        """
        total = sum(array.nbytes for array in self.constants.values())
        for step in self.steps:
            match step:
                case Product():
                    total += step.weights.size * BYTES[step.source.ctype] + step.bias.size * BYTES[step.accumulator]
                case Convolve():
                    total += 4 * (step.kernel.size + step.bias.size)
                case ScaleShift():
                    total += 4 * (step.scale.size + step.shift.size)
                case Lookup():
                    total += 4 * step.table.size
                case Scan():
                    total += step.body.weights_bytes
        return total + sum(ring.channels * BYTES[ring.ctype] for ring in self.rings if ring.initial.any())


def _whole(count: int) -> int:
    return -(-count // 4) * 4
