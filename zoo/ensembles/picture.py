"""The picture of random ensembles: accuracy against number of members."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.drawing import GREY, INK, RULE, save, sheet, unframe

COLOURS = ("#8a94a0", "#174a7c", "#d9822b")


def members_picture(
    path: Path,
    found: Mapping[str, np.ndarray],
    sizes: Sequence[int],
    *,
    title: str,
    levels: Mapping[str, float],
    marks: Mapping[int, float] | None = None,
) -> None:
    """Writes mean and deviation of the accuracy for each normalisation as a PNG.

    Args:
        path: file to write.
        found: by normalisation, accuracies (ensembles, sizes).
        sizes: numbers of members.
        title: one line for the head of the picture.
        levels: baselines by name, drawn across.
        marks: published accuracies by number of members.
    """
    figure = sheet(10.0, 6.0)
    axes = figure.subplots()
    for name, level in levels.items():
        axes.axhline(level, color=GREY, linewidth=1.2)
        axes.annotate(
            f"{name} {level:.2f}",
            (sizes[-1], level),
            (0, 4),
            textcoords="offset points",
            ha="right",
            fontsize=9.5,
            color=INK,
        )
    for (name, values), colour in zip(found.items(), COLOURS, strict=True):
        mean, deviation = values.mean(axis=0), values.std(axis=0, ddof=1 if len(values) > 1 else 0)
        axes.fill_between(sizes, mean - deviation, mean + deviation, color=colour, alpha=0.16, linewidth=0)
        axes.plot(sizes, mean, color=colour, linewidth=2.0, marker="o", markersize=4, label=f"{name}, {mean[-1]:.2f}")
    if marks:
        axes.plot(list(marks), list(marks.values()), "D", color=INK, markersize=6, label="published")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("members in the ensemble", fontsize=10.5, color=INK)
    axes.set_ylabel("positive before all negatives", fontsize=10.5, color=INK)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    unframe(axes, 9.5)
    axes.legend(loc="upper left", frameon=False, fontsize=10, labelcolor=INK)
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", color=INK, pad=14)
    figure.tight_layout()
    save(figure, path)
