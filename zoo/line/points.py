"""Points along a line, and ways to write their x. Numpy only."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

WIDE, NARROW = (-1.0, 1.0), (1.0, 1.0 + 1e-3)
"""Ranges of x: as good as it gets for an optimizer, and as bad."""

SITUATIONS = {
    "x from -1 to 1": (WIDE, ""),
    "x from 1 to 1.001": (NARROW, ""),
    "x from 1 to 1.001, centred": (NARROW, "centred"),
    "x from 1 to 1.001, centred and scaled": (NARROW, "scaled"),
}
"""What all methods are put to: a range of x, and how x is written."""


@dataclass(frozen=True)
class Points:
    """What a line is fitted to.

    Attributes:
        x, y: (points,), float64.
    """

    x: Array
    y: Array

    def centred(self) -> "Points":
        """With the mean of x at 0, so that slope and intercept no longer pull at each other."""
        return Points(self.x - self.x.mean(), self.y)

    def scaled(self) -> "Points":
        """With x of mean 0 and deviation 1, so that the error is equally curved in all directions."""
        centred = self.centred()
        return Points(centred.x / centred.x.std(), self.y)


def along_a_line(
    count: int, span: tuple[float, float], *, slope: float, intercept: float, noise: float, seed: int
) -> Points:
    """Points whose x is uniform and whose y lies near a line.

    Args:
        count: how many.
        span: of x.
        slope, intercept: of the line.
        noise: deviation of y from the line, times the deviation of x, so that the slope is known equally well whatever
            the span.
        seed: of both.
    """
    random = np.random.default_rng(seed)
    x = random.uniform(*span, count)
    return Points(x, slope * x + intercept + noise * x.std() * random.standard_normal(count))


def situation(name: str, *, count: int, noise: float, seed: int) -> Points:
    """The points of one of `SITUATIONS`, along y = 2x - 1."""
    span, written = SITUATIONS[name]
    points = along_a_line(count, span, slope=2.0, intercept=-1.0, noise=noise, seed=seed)
    return getattr(points, written)() if written else points
