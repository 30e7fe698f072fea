"""The steps of a schedule: what a build does with each sample, in order, and where its numbers lie.

A step is plain data. emit.py prints steps as C, execute.py runs them in numpy, and neither decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from compiler.numerics import Rounding

CType = Literal["float", "int16_t", "int32_t", "int64_t"]
Activation = Literal["linear", "relu", "tanh", "sigmoid"]
BYTES: dict[CType, int] = {"float": 4, "int16_t": 2, "int32_t": 4, "int64_t": 8}
DTYPES: dict[CType, type[np.generic]] = {
    "float": np.float32,
    "int16_t": np.int16,
    "int32_t": np.int32,
    "int64_t": np.int64,
}


@dataclass(frozen=True)
class Place:
    """A stretch of memory that holds one value of the present sample.

    Args:
        area: The caller's input or output sample, or the scratch area of the element type; "planned"
            while the schedule is being made.
        ctype: Type of its elements.
        offset: Elements from the start of the area.
        size: Elements.
    """

    area: Literal["in", "out", "scratch", "planned"]
    ctype: CType
    offset: int
    size: int


@dataclass(frozen=True, eq=False)
class Ring:
    """Storage of the last `length` samples of a value, the present one apart; `initial` is (channels,)."""

    name: str
    ctype: CType
    channels: int
    length: int
    initial: np.ndarray

    @property
    def size(self) -> int:
        """Elements."""
        return self.length * self.channels


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One thing done with a sample. `name` is that of the value it computes, or of the ring it fills."""

    name: str
    source: Place

    elementwise = False
    """Whether element i of the target depends on element i of the source alone, so that both may share memory."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Push(Step):
    """The present sample takes the place of the oldest in a ring."""

    ring: Ring


@dataclass(frozen=True, eq=False, kw_only=True)
class Compute(Step):
    """A step that writes a value."""

    target: Place


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather(Compute):
    """taps x channels: the samples (taps-1)*dilation, ..., dilation steps ago from a ring, then the present one."""

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
    """target = end(bias + source @ weights), where end is an activation (float) or a rescale (integers) or nothing.

    Args:
        weights: (inputs, outputs), float32 or int64.
        bias: (outputs,), the same.
        accumulator: What the sums are held in.
        activation: Of a float product.
        rescale: Of an integer product; None leaves the accumulators as they are.
    """

    weights: np.ndarray
    bias: np.ndarray
    accumulator: CType
    activation: Activation = "linear"
    rescale: Rescale | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaleShift(Compute):
    """target = source * scale + shift, both as large as the source, float32."""

    scale: np.ndarray
    shift: np.ndarray
    elementwise = True


@dataclass(frozen=True, eq=False, kw_only=True)
class Activate(Compute):
    """target = function(source)."""

    function: Activation
    elementwise = True


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundToGrid(Compute):
    """target = source on the grid of 2**-fraction, between lo and hi grid units; floats all the same."""

    fraction: int
    rounding: Rounding
    lo: int
    hi: int
    elementwise = True


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantize(Compute):
    """target = rescale(source), computed in the `wide` type."""

    rescale: Rescale
    wide: CType
    elementwise = True


@dataclass(frozen=True, eq=False, kw_only=True)
class Copy(Compute):
    """target = source."""

    elementwise = True


@dataclass(frozen=True)
class Traced:
    """A value that exists in memory after step `after` (-1: before the first), for comparing layer by layer."""

    name: str
    shape: tuple[int, ...]
    place: Place
    after: int


@dataclass(frozen=True, eq=False)
class Schedule:
    """All a build does with one sample.

    Args:
        source, result: The caller's input and output sample.
        in_fraction, out_fraction: Bits behind the binary point; 0 for floats.
        scratch: Elements of each scratch area.
    """

    source: Place
    result: Place
    in_fraction: int
    out_fraction: int
    rings: tuple[Ring, ...]
    steps: tuple[Step, ...]
    values: tuple[Traced, ...]
    scratch: dict[CType, int]
    receptive_field: int

    @property
    def fixed(self) -> bool:
        """Whether its numbers are integers."""
        return self.source.ctype != "float"

    @property
    def state_bytes(self) -> int:
        """sizeof of the state: a position of 4 bytes a ring, then the rings, then padding; 4 where there is none."""
        total = sum(4 + ring.size * BYTES[ring.ctype] for ring in self.rings)
        return max(4, -(-total // 4) * 4)

    @property
    def weights_bytes(self) -> int:
        """Bytes of all constant tables: weights, biases, scales, shifts, and initial states other than zero."""
        total = 0
        for step in self.steps:
            if isinstance(step, Product):
                total += step.weights.size * BYTES[step.source.ctype] + step.bias.size * BYTES[step.accumulator]
            elif isinstance(step, ScaleShift):
                total += 4 * (step.scale.size + step.shift.size)
        return total + sum(ring.channels * BYTES[ring.ctype] for ring in self.rings if ring.initial.any())


def places(step: Step) -> list[str]:
    """The names of the fields of a step that are places."""
    return [f.name for f in fields(step) if isinstance(getattr(step, f.name), Place)]
