"""One page: points and lines on the way to the answer, and how far from it each step is."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.drawing import GREY, INK, RULE, save, sheet, unframe
from zoo.line.points import Points

ANSWER, POINT = "#174a7c", "#d9622b"
COLOURS = ("#174a7c", "#d9622b", "#b8892b", "#5aa469")


def page(
    path: Path,
    points: Points,
    passed: np.ndarray,
    answer: tuple[float, float],
    ways: Mapping[str, tuple[int, np.ndarray]],
) -> None:
    """Writes the page as a PNG.

    Args:
        path: file to write.
        points: to draw.
        passed: lines after each step towards them, (steps, 2).
        answer: slope and intercept.
        ways: by situation, how many steps lie between two distances from its answer, and these distances, (n,).
    """
    figure = sheet(12.0, 4.6, layout="constrained")
    left, right = figure.subplots(1, 2)
    x = np.array([points.x.min(), points.x.max()])
    for slope, intercept in passed:
        left.plot(x, slope * x + intercept, color=GREY, linewidth=1.0)
    left.plot(points.x, points.y, "o", color=POINT, markersize=3)
    left.plot(x, answer[0] * x + answer[1], color=ANSWER, linewidth=2.0)
    left.set_title(f"y = {answer[0]:.3f} x {answer[1]:+.3f}, and the steps to it", loc="left", color=INK)
    left.grid(color=RULE, linewidth=0.6)
    unframe(left)
    for (name, (every, distance)), colour in zip(ways.items(), COLOURS, strict=False):
        steps = np.arange(len(distance)) * every
        right.plot(steps + 1, np.maximum(distance, 1e-12), color=colour, linewidth=1.6, label=name)
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_title("distance from the answer, by step", loc="left", color=INK)
    right.legend(frameon=False, fontsize=9, labelcolor=INK)
    right.grid(color=RULE, linewidth=0.6)
    unframe(right)
    save(figure, path)
