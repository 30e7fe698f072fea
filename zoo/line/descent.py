"""How to descend: rate, momentum and steps, out of the curvature. Numpy only."""

import math
from dataclasses import dataclass

import numpy as np

from zoo.line.points import Points

ACCURACY, REACH = 1e-5, 10.0
"""How near a descent is to end to the answer, and from how far away at most."""

MARGIN = 1e-3
"""The greatest curvature is taken for so much more. At the best rate the square function is on the brink: beyond it by
(1 - s)^2, 1e-7 where x is narrow, steps grow, and Keras keeps rates as float32."""


@dataclass(frozen=True)
class Descent:
    """A gradient descent with momentum: velocity' = momentum velocity - rate gradient, line' = line + velocity'.

    Attributes:
        rate, momentum: of every step.
        steps: how many lead from `REACH` to `ACCURACY`.
        condition: the greatest curvature over the least.
        plain_steps: how many a descent without momentum would take at its best rate.
    """

    rate: float
    momentum: float
    steps: int
    condition: float
    plain_steps: int


def curvature(points: Points) -> np.ndarray:
    """Second derivatives of the mean squared error by (slope, intercept), (2, 2): the same everywhere."""
    columns = np.stack([points.x, np.ones_like(points.x)])
    return 2.0 * columns @ columns.T / len(points.x)


def best_descent(points: Points) -> Descent:
    """The rate and the momentum that are best for a square function with this curvature, and the steps they take.

    Between the least curvature u and the greatest v, rate = 4 / (sqrt u + sqrt v)^2 and momentum = s^2 with
    s = (sqrt v - sqrt u) / (sqrt v + sqrt u). After k steps at most (1 + k (1 + s)) s^k of the way is left. Without
    momentum at most ((v - u) / (v + u))^k is.

    Raises:
        ValueError: all x are alike, so that no slope is better than another.

    Reference:
        Polyak 1964, "Some methods of speeding up the convergence of iteration methods".
    """
    least, greatest = np.linalg.eigvalsh(curvature(points))
    if least <= 1e-12 * greatest:
        raise ValueError("a line needs points at two different x at least")
    condition = float(greatest / least)
    greatest *= 1.0 + MARGIN
    s = float((math.sqrt(greatest) - math.sqrt(least)) / (math.sqrt(greatest) + math.sqrt(least)))
    plain = float((greatest - least) / (greatest + least))
    return Descent(
        rate=4.0 / (math.sqrt(least) + math.sqrt(greatest)) ** 2,
        momentum=s * s,
        steps=_steps(s, 1.0 + s),
        condition=condition,
        plain_steps=_steps(plain, 0.0),
    )


def _steps(factor: float, growth: float) -> int:
    """The least k with (1 + k growth) factor^k <= ACCURACY / REACH."""

    def left(k: int) -> float:
        return math.log1p(k * growth) + k * math.log(factor) - math.log(ACCURACY / REACH)

    low, high = 0, 1
    while left(high) > 0.0:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if left(middle) > 0.0 else (low, middle)
    return high
