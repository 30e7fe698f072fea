"""What flows through a graph: values, and the past of values that a stream keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.ir.numerics import Format

Shape = tuple[int | None, ...]
Interval = tuple[int, int]  # the least and the greatest


@dataclass(frozen=True)
class Value:
    """What one operation computes, or one input of the graph.

    Args:
        name: Unique in the graph, and fit to be part of a C or Verilog identifier.
        shape: Without the step axis; None for a time axis of any length, in a frame graph that will stream.
        layer: The Keras layer it came from, for errors and reports.
        format: None for floating point.
        range: The least and greatest real number it can take, where a pass has worked that out.
        folded: Other Keras layers whose work has been folded into the operation that computes it.
        interval: The integers it can be, in a fixed-point graph whose accumulators are proven.
    """

    name: str
    shape: Shape
    layer: str
    format: Format | None = None
    range: tuple[float, float] | None = None
    folded: tuple[str, ...] = ()
    interval: Interval | None = None

    @property
    def size(self) -> int:
        """Numbers in one sample of a stream value."""
        return int(np.prod([1, *(n for n in self.shape if n is not None)]))


@dataclass(frozen=True, eq=False)
class State:
    """The last `length` samples of a value of a stream graph, the present one apart.

    How they are stored (a ring, a shift register, a block RAM) is each target's own business.

    Args:
        name: Unique among the graph's states, fit for an identifier.
        value: Whose past this is; where a UnitDelay reads it, it is computed further down.
        length: Samples: (taps - 1) * dilation of the longest window over it.
        initial: What reset makes of every past sample, in the value's shape.
    """

    name: str
    value: Value
    length: int
    initial: np.ndarray
