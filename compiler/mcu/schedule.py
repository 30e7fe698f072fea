"""A schedule: the steps of a build, the memory they work in, and how much of everything that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.mcu import steps
from compiler.mcu.places import BYTES, CType, Place, Ring
from compiler.mcu.steps import Compute, Step

LARGE_SCRATCH = 1024  # bytes: more than that is no burden for a stack, so it lies in the state


@dataclass(frozen=True)
class Traced:
    """A value that exists in memory after step `after` (-1: before the first), for comparing layer by layer."""

    name: str
    shape: tuple[int, ...]
    place: Place
    after: int


@dataclass(frozen=True)
class Port:
    """One of the caller's inputs or outputs: what it carries, and bits behind the binary point, 0 for floats.

    Args:
        per_block: Whether it is given once a call and not once a sample.
        warm_up: Samples at the beginning of an output that Keras would not give.
    """

    name: str
    shape: tuple[int, ...]
    place: Place
    fraction: int = 0
    per_block: bool = False
    warm_up: int = 0


@dataclass(frozen=True, eq=False)
class Schedule:
    """All a build does with one sample or one frame.

    Args:
        frames: Whether it takes whole frames and remembers nothing.
        steps_per_block: So many of the steps, the first ones, depend on such inputs alone: once a call will do.
        constants: Tables that are values themselves.
        rest: The steps that make every ring what it is when one sample has come in for ever. In a recurrent
            graph they bring the rings closer to it, if at all.
        scratch: Elements of each scratch area.
        receptive_field: Samples; None without limit.
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
    steps_per_block: int = 0

    @property
    def warm_up(self) -> int:
        """Samples until every output is what Keras would give."""
        return max((port.warm_up for port in self.outputs), default=0)

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
        return (self.frames or not self.fixed) and self._flat_scratch > LARGE_SCRATCH

    @property
    def struct_bytes(self) -> int:
        """sizeof of the state; 4 where it would be nothing."""
        scratch = self._flat_scratch if self.scratch_in_state else 0
        whole = 8 if scratch and "int64_t" in self.scratch else 4  # what the widest member makes it a multiple of
        return max(4, -(-(self.state_bytes + scratch + self.bodies_bytes) // whole) * whole)

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
                case steps.MatMul():
                    total += _product_bytes(step, step.weights)
                case steps.Convolution():
                    total += _product_bytes(step, step.kernel)
                case steps.Affine():
                    total += 4 * (step.scale.size + step.shift.size)
                case steps.Piecewise():
                    own = step.offsets.size * BYTES[step.accumulator]
                    total += own + 4 * (step.thresholds.size + step.slopes.size)
                case steps.Table() if step.table == step.name:
                    total += step.entries.size * BYTES[step.entry]
                case steps.Gather() | steps.QuantizeEach():
                    total += 4 * step.table.size
                case Scan():
                    total += step.body.weights_bytes
        return total + sum(ring.channels * BYTES[ring.ctype] for ring in self.rings if ring.initial.any())


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan(Compute):
    """Runs the schedule of a body over the parts of the source, from reset; see compiler.ir.graph.Scan."""

    body: Schedule
    steps: int
    reverse: bool
    sequences: bool


def _product_bytes(step: steps.MatMul | steps.Convolution, weights: np.ndarray) -> int:
    shifts = 0 if step.up is None else step.up.size
    return weights.size * BYTES[step.stored] + step.bias.size * BYTES[step.accumulator] + shifts


def _whole(count: int) -> int:
    return -(-count // 4) * 4
