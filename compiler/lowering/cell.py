"""What a recurrent layer does at each step, in general."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.ir.values import Value
from compiler.lowering.builder import Builder

# One step: from the input and the states before to the output and the states behind.
Step = Callable[[Builder, Value, Sequence[Value]], tuple[Value, list[Value]]]


@dataclass(frozen=True)
class Cell:
    """What a recurrent layer does at each step.

    Args:
        sizes: Numbers in each of its states.
        output: Which of its states is its output; None if none of them is.
        units: Numbers in an output that is none of its states.
        starts: What the states are before the first step; zeros, if None.
    """

    sizes: tuple[int, ...]
    step: Step
    output: int | None = 0
    units: int = 0
    starts: tuple[np.ndarray, ...] | None = None

    @property
    def size(self) -> int:
        """Numbers in its output."""
        return self.units if self.output is None else self.sizes[self.output]

    @property
    def begins(self) -> tuple[np.ndarray, ...]:
        """What the states are before the first step."""
        return tuple(np.zeros(size) for size in self.sizes) if self.starts is None else self.starts
