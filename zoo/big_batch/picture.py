"""One page: validation accuracy by batch, for equal epochs and for equal steps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.drawing import INK, RULE, save, sheet, unframe

COLOURS = ("#d9622b", "#174a7c", "#5aa469")


def page(path: Path, rows: Sequence[Any]) -> None:
    """Writes the page as a PNG; `rows` are those of results.json."""
    sets = list(dict.fromkeys(row["set"] for row in rows))
    figure = sheet(10.0, 3.6 * len(sets), layout="constrained")
    for line, name in zip(figure.subplots(len(sets), 2, squeeze=False), sets, strict=True):
        for axis, equal in zip(line, ("epochs", "steps"), strict=True):
            own = [row for row in rows if row["set"] == name and row["equal"] == equal]
            for optimizer, colour in zip(dict.fromkeys(row["optimizer"] for row in own), COLOURS, strict=False):
                points = [row for row in own if row["optimizer"] == optimizer]
                mean = [np.mean([one["best"] for one in row["outcomes"]]) for row in points]
                spread = [np.std([one["best"] for one in row["outcomes"]]) for row in points]
                batches = [row["batch"] for row in points]
                axis.errorbar(batches, mean, spread, marker="o", color=colour, linewidth=1.4, label=optimizer)
            axis.set_xscale("log")
            axis.set_title(f"{name}, equal {equal}", loc="left", fontsize=11, color=INK)
            axis.grid(color=RULE, linewidth=0.6)
            unframe(axis)
        line[0].legend(frameon=False, fontsize=8.5, labelcolor=INK)
    save(figure, path)
