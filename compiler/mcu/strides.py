"""Walks: how far each operand of an N-dimensional loop moves along each axis.

What only moves numbers, and what broadcasts, is one loop with constant counts and steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compiler.ir.ops import Concatenate, Op, Pad, Repeat, Slice, Transpose, ZeroInsertion


@dataclass(frozen=True)
class Walk:
    """An N-dimensional loop.

    Args:
        counts: Turns of each axis, the outermost first.
        steps: For each operand, the elements that it moves on along each axis.
    """

    counts: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]

    @property
    def rank(self) -> int:
        """Axes."""
        return len(self.counts)

    def offsets(self, operand: int) -> np.ndarray:
        """Where an operand is, from its start, at every turn: one row."""
        total = np.zeros(self.counts, np.int64)
        for axis, (count, step) in enumerate(zip(self.counts, self.steps[operand], strict=True)):
            total += (np.arange(count) * step).reshape(-1, *(1,) * (self.rank - axis - 1))
        return total.ravel()

    def is_run(self, operand: int) -> bool:
        """Whether an operand goes through its elements one after the other."""
        return self.rank == 1 and self.steps[operand] == (1,)


def walk(counts: Sequence[int], *steps: Sequence[int]) -> Walk:
    """A walk with as few axes as will do, at least one: without those of one turn, neighbours joined."""
    axes = [axis for axis in zip(counts, *steps, strict=True) if axis[0] != 1] or [(1, *(1,) * len(steps))]
    joined = [axes[0]]
    for axis in axes[1:]:
        outer = joined[-1]
        if all(far == axis[0] * near for far, near in zip(outer[1:], axis[1:], strict=True)):
            joined[-1] = (outer[0] * axis[0], *axis[1:])
        else:
            joined.append(axis)
    count, *rest = zip(*joined, strict=True)
    return Walk(count, tuple(rest))


def contiguous(shape: Sequence[int]) -> list[int]:
    """The steps of an array in C order."""
    steps, step = [], 1
    for count in reversed(shape):
        steps.append(step)
        step *= count
    return steps[::-1]


def broadcast(shapes: Sequence[Sequence[int]], to: Sequence[int]) -> Walk:
    """A walk over `to` in C order whose operands are arrays that broadcast to it."""

    def steps(shape: Sequence[int]) -> list[int]:
        own = contiguous(shape)
        stretched = [0 if count == 1 else step for count, step in zip(shape, own, strict=True)]
        return [0] * (len(to) - len(shape)) + stretched

    return walk(to, *map(steps, shapes))


def reduce(shape: Sequence[int], axes: Sequence[int]) -> Walk:
    """A walk over `shape` in C order; the second operand stays where it is along `axes`."""
    kept = iter(contiguous([count for axis, count in enumerate(shape) if axis not in axes]))
    return walk(shape, contiguous(shape), [0 if axis in axes else next(kept) for axis in range(len(shape))])


@dataclass(frozen=True)
class Motion:
    """A walk from one input of an operation to its output, and the elements where it begins in both."""

    walk: Walk
    start: tuple[int, int]


def motions(op: Op) -> list[Motion]:
    """What an operation that only moves numbers does with each of its inputs; none of other operations."""
    y = op.output.shape
    to = contiguous(y)
    if isinstance(op, Concatenate):
        found, at = [], 0
        for value in op.inputs:
            found.append(Motion(walk(value.shape, contiguous(value.shape), to), (0, at * to[op.axis])))
            at += value.shape[op.axis]
        return found
    if not op.inputs:
        return []
    x = op.inputs[0].shape
    own = contiguous(x)
    match op:
        case Transpose():
            return [Motion(walk(y, [own[axis] for axis in op.permutation], to), (0, 0))]
        case Slice():
            steps = [step * (op.step if axis == op.axis else 1) for axis, step in enumerate(own)]
            return [Motion(walk(y, steps, to), (op.start * own[op.axis], 0))]
        case Pad():
            start = sum(before * step for (before, _), step in zip(op.padding, to, strict=True))
            return [Motion(walk(x, own, to), (0, start))]
        case Repeat():
            at = op.axis + 1
            counts = [*x[:at], op.times, *x[at:]]
            spread = contiguous(counts)
            return [Motion(walk(counts, [*own[:at], 0, *own[at:]], spread), (0, 0))]
        case ZeroInsertion():
            steps = [step * (op.gap + 1 if axis == op.axis else 1) for axis, step in enumerate(to)]
            return [Motion(walk(x, own, steps), (0, 0))]
    return []
