"""What every kind of operation has, and the arithmetic of shapes that several kinds share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from compiler.ir.values import Shape, Value

Pads = tuple[tuple[int, int], ...]


class ShapeError(ValueError):
    """Inputs and attributes of an operation that do not go together."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """One operation. Its kind is its class, and its attributes are that class' typed fields."""

    inputs: tuple[Value, ...]
    output: Value

    # What holds of its kind; without types, so that they are no attributes. How many inputs it has (None: any number
    # but none), in graphs of which modes it stands, and on which numbers it computes.
    arity = 1
    modes = ("frame", "stream")
    numbers = ("float",)
    # Which of its attributes are arrays of int64, whatever it computes on.
    whole = ()
    # What it is in words, for messages: the names of kinds mean nothing to who has only seen Keras.
    words = "an operation"

    @classmethod
    @cache
    def attribute_names(cls) -> tuple[str, ...]:
        """The names of its attributes, in order."""
        return tuple(field.name for field in fields(cls) if field.name not in ("inputs", "output"))

    def attributes(self) -> dict[str, Any]:
        """Its attributes by name: all that tells it from another of its kind on the same inputs."""
        return {name: getattr(self, name) for name in self.attribute_names()}

    def output_shape(self) -> Shape:
        """The shape of its output, from its inputs and its attributes.

        Raises:
            ShapeError: They do not go together.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rule for its shape")

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of its inputs."""
        return tuple(value.shape for value in self.inputs)

    @property
    def state_read(self) -> str | None:
        """The state it reads, if it does."""
        return None

    @property
    def reach(self) -> int:
        """Samples back in time that it looks."""
        return 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates a step."""
        return 0


def demand(condition: bool, *what: object) -> None:
    """Raises a ShapeError that says what, unless a condition holds."""
    if not condition:
        raise ShapeError(" ".join(map(str, what)))


def axis_within(axis: int, shape: Shape) -> int:
    """An axis, counted from 0, that a shape has."""
    demand(0 <= axis < len(shape), "axis", axis, "of", shape)
    return axis


def with_axis(shape: Shape, axis: int, length: int | None) -> Shape:
    """A shape with another length along one axis."""
    return (*shape[:axis], length, *shape[axis + 1 :])


def known_size(shape: Shape) -> int | None:
    """How many numbers there are; None where an axis is of unknown length."""
    return None if None in shape else math.prod(shape)


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape of what is computed element by element, lined up from the last axis."""
    rank = max(len(a), len(b))
    result: list[int | None] = []
    for m, n in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        demand(m == n or 1 in (m, n) or None in (m, n), "the shapes", a, "and", b, "do not go together")
        result.append(n if m == 1 else m if n == 1 or n == m else None)
    return tuple(result)


def windows_over(space: Shape, sizes: Sequence[int], strides: Sequence[int], padding: Pads) -> Shape:
    """How many windows fit on each axis of space, padded.

    Args:
        sizes: From the first to the last step that a window covers.
        strides: From one window to the next.
    """
    same = len(space) == len(sizes) == len(strides) == len(padding)
    demand(same, "windows of", sizes, "every", strides, "with", padding, "over", space)
    counts: list[int | None] = []
    for n, size, stride, pads in zip(space, sizes, strides, padding, strict=True):
        demand(stride >= 1 and size >= 1 and len(pads) == 2 and min(pads) >= 0, "a window of", size, "every", stride)
        count = None if n is None else (n + sum(pads) - size) // stride + 1
        demand(count is None or count >= 1, "a window of", size, "over", n, "steps padded by", pads)
        counts.append(count)
    return tuple(counts)
