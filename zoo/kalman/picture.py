"""One page: throws with the paths that filters expected, error by step, loss by step."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.drawing import GREY, INK, RULE, save, sheet, unframe

Array = np.ndarray

COLOURS = ("#d9622b", "#174a7c", "#5aa469", "#b8892b")


def page(
    path: Path,
    inputs: Array,
    positions: Array,
    paths: Mapping[str, Array],
    errors: Mapping[str, Array],
    losses: Mapping[str, list[float]],
) -> None:
    """Writes the page as a PNG.

    Args:
        path: file to write.
        inputs: what was seen of three throws, (3, steps, 3).
        positions: where they were, (3, steps, 2).
        paths: by filter, where it expected them, (3, steps, 2).
        errors: by filter, mean squared error of a coordinate at each step, (steps,).
        losses: by training, the loss at each step of it.
    """
    figure = sheet(18.5, 4.4, layout="constrained")
    *fields, last, trainings = figure.subplots(1, 5)
    for index, axis in enumerate(fields):
        axis.plot(*positions[index].T, color=GREY, linewidth=2.0, label="throw")
        seen = inputs[index, :, 2] > 0.5
        axis.plot(*positions[index][seen].T, "o", color=INK, markersize=5, label="seen")
        axis.plot(*positions[index][~seen].T, "o", color=INK, markersize=5, fillstyle="none", label="missing")
        for (name, expected), colour in zip(paths.items(), COLOURS, strict=False):
            axis.plot(*expected[index].T, "x-", color=colour, linewidth=1.0, markersize=4, label=name)
        axis.set_title(f"{(~seen).sum()} of {len(seen)} missing", loc="left", fontsize=11, color=INK)
        axis.grid(color=RULE, linewidth=0.6)
        unframe(axis)
    fields[0].legend(frameon=False, fontsize=8.5, labelcolor=INK)
    for (name, found), colour in zip(errors.items(), COLOURS, strict=False):
        last.plot(np.arange(1, len(found) + 1), found, color=colour, linewidth=1.6, label=name)
    last.set_yscale("symlog", linthresh=0.01)
    last.set_title("squared error by step", loc="left", fontsize=11, color=INK)
    last.grid(color=RULE, linewidth=0.6)
    unframe(last)
    for (name, found), colour in zip(losses.items(), (*COLOURS, GREY, INK), strict=False):
        trainings.plot(np.arange(1, len(found) + 1), found, color=colour, linewidth=0.9, label=name)
    trainings.set_yscale("log")
    trainings.set_title("loss by step, published filter", loc="left", fontsize=11, color=INK)
    trainings.grid(color=RULE, linewidth=0.6)
    trainings.legend(frameon=False, fontsize=7.5, labelcolor=INK)
    unframe(trainings)
    save(figure, path)
