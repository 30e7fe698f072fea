"""Learning curves as a picture, and the table of an evaluation."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.drawing import INK, RULE, save, sheet
from zoo.runs.folder import METRICS, find_run
from zoo.tables import aligned

COLOURS = ("#174a7c", "#f2a65a", "#2f8f6b", "#b5465a", "#7a5ea8", "#5b6673")
BESIDE = ("epoch", "seconds")
"""Columns of metrics.csv that are no metrics."""

Columns = dict[str, list[float]]


def read_metrics(path: Path) -> Columns:
    """The columns of a metrics.csv; what an epoch lacks is NaN.

    Raises:
        ValueError: it is not there, holds no epoch, or something that is no number.
    """
    if not path.is_file():
        raise ValueError(f"there is no {path}: the run was stopped before its first epoch had ended")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, restval="cut off"))
    if not rows or "epoch" not in rows[0]:
        raise ValueError(f"{path} holds no epochs")
    try:
        return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def show(paths: Sequence[str], *, runs: Path, out: Path | None = None) -> Path:
    """Draws the learning curves of runs, over each other, and returns where the picture is.

    Args:
        paths: of each run: its folder, its name or name/number.
        runs: where runs are that are given by name.
        out: the picture; None for curves.png in the folder of the only run, else in `runs`.

    Raises:
        ValueError: no such run, or one without an epoch.
    """
    found = {path: find_run(runs, path) for path in paths}
    columns = {name: read_metrics(path / METRICS) for name, path in found.items()}
    out = out or (next(iter(found.values())) if len(found) == 1 else runs) / "curves.png"
    out.parent.mkdir(parents=True, exist_ok=True)
    draw(out, columns)
    return out


def draw(path: Path, runs: Mapping[str, Columns]) -> None:
    """Draws every metric of several runs, one panel each: held-out data as a line, training data dashed.

    Args:
        path: the PNG to write.
        runs: the columns of each run's metrics.csv, by its name.
    """
    every = dict.fromkeys(name.removeprefix("val_") for columns in runs.values() for name in columns)
    names = sorted((name for name in every if name not in BESIDE), key=lambda name: name != "loss")
    wide = min(2, len(names))
    high = -(-len(names) // wide)
    figure = sheet(6.4 * wide, 3.9 * high + 0.4, layout="constrained")
    panels = figure.subplots(high, wide, squeeze=False)
    for axis in panels.flat[len(names) :]:
        axis.set_visible(False)
    for name, axis in zip(names, panels.flat, strict=False):
        for index, (run, columns) in enumerate(runs.items()):
            colour = COLOURS[index % len(COLOURS)]
            few = {"marker": "o", "markersize": 3} if len(columns["epoch"]) < 4 else {}
            if f"val_{name}" in columns:
                axis.plot(columns["epoch"], columns[f"val_{name}"], color=colour, label=f"{run}, held out", **few)
            if name in columns:
                axis.plot(
                    columns["epoch"], columns[name], "--", color=colour, linewidth=1.0, label=f"{run}, training", **few
                )
        axis.set_title(name, loc="left", fontsize=12, fontweight="bold", color=INK)
        axis.set_xlabel("epoch", color=INK)
        axis.grid(color=RULE)
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.get_major_locator().set_params(integer=True)
    panels[0, 0].legend(frameon=False, fontsize=9)
    save(figure, path)


def table(head: str, rows: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """Rows of metrics under their names, right-aligned; a dash where a row has no such metric."""
    names = list(dict.fromkeys(name for _, values in rows for name in values))
    lines = [[head, *names]]
    for row, values in rows:
        shown = [f"{values[name]:.4g}" if name in values and not math.isnan(values[name]) else "-" for name in names]
        lines.append([row, *shown])
    return aligned(lines, least=9)
