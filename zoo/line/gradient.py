"""Step 1: gradient and update as pure functions. Numpy only.

The functions use operators alone, and are told how to take a mean. So the compiled and the parallel line are made of
these very functions.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.line.descent import Descent
from zoo.line.points import Points

Line = tuple[Any, Any]
"""Slope and intercept: numbers, or tensors without axes."""

START: Line = (0.0, 0.0)


def gradient(line: Line, x: Any, y: Any, mean: Callable[[Any], Any] = np.mean) -> Line:
    """Of the mean squared error, by slope and intercept.

    Args:
        line: where.
        x, y: (points,).
        mean: of such an array.
    """
    slope, intercept = line
    residual = slope * x + intercept - y
    return 2.0 * mean(residual * x), 2.0 * mean(residual)


def update(line: Line, velocity: Line, slopes: Line, descent: Descent) -> tuple[Line, Line]:
    """One step down the gradient `slopes`: the next line, and the next velocity."""
    velocity = tuple(descent.momentum * v - descent.rate * g for v, g in zip(velocity, slopes, strict=True))
    return tuple(value + v for value, v in zip(line, velocity, strict=True)), velocity


def fit(points: Points, descent: Descent) -> Line:
    """The line after all steps of a descent."""
    line, velocity = START, (0.0, 0.0)
    for _ in range(descent.steps):
        line, velocity = update(line, velocity, gradient(line, points.x, points.y), descent)
    return float(line[0]), float(line[1])


def path(points: Points, descent: Descent, every: int = 1) -> np.ndarray:
    """Slope and intercept on the way, (1 + steps // every, 2), the start first."""
    line, velocity, passed = START, (0.0, 0.0), [START]
    for step in range(1, descent.steps + 1):
        line, velocity = update(line, velocity, gradient(line, points.x, points.y), descent)
        if step % every == 0:
            passed.append(line)
    return np.array(passed)
