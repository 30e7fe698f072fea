"""One page: whether confidence can be believed, and what entropy says of each split."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from zoo.calibration.figures import Figures, mean_and_deviation
from zoo.calibration.measuring import PLAIN, REFITTED, SCALED
from zoo.calibration.recipe import Plan
from zoo.calibration.table import title
from zoo.drawing import GREY, INK, PAPER, RULE, save, sheet, unframe
from zoo.ood.detectors.logits import entropy
from zoo.ood.detectors.table import DETECTORS
from zoo.splits import Splits

Array = np.ndarray

BLUE, ORANGE, GREEN = "#174a7c", "#d9622b", "#5aa469"
SPLITS = {"train": GREY, "validate": "#8fa9c4", "calibrate": "#5f86ad", "test": BLUE, "hard": ORANGE, "easy": GREEN}
LOSSES = (BLUE, "#e0a526", ORANGE, "#8c2d4f", GREEN, "#7a5ca8", "#6b7785")
"""A colour for each loss; the marker says what was done to the network."""
BINS = 15
_SHOWN = 5


def page(
    path: Path,
    rows: Mapping[str, Sequence[Figures]],
    logits: Mapping[str, Mapping[str, Array]],
    plan: Plan,
    splits: Splits,
) -> None:
    """Writes reliability diagrams, entropy histograms, and every model's ECE and AUROC, as a PNG.

    Args:
        path: file to write.
        rows: figures by "loss/what was done", one for each seed.
        logits: of the first seed, by loss and then by "what was done/split".
        plan, splits: what was compared, and on which images.
    """
    figure = sheet(17.0, 13.0, dpi=100, layout="constrained")
    top, middle, bottom = figure.subfigures(3, 1, height_ratios=(4.1, 3.5, 4.6))
    shown = _chosen(list(rows))
    for index, (row, axis) in enumerate(zip(shown, np.ravel(top.subplots(1, len(shown))), strict=True)):
        loss, done = row.split("/")
        _reliability(axis, logits[loss][f"{done}/test"], splits.test.y, rows[row][0], title(row), first=not index)
    axes = np.ravel(middle.subplots(1, len(shown)))
    for index, (row, axis) in enumerate(zip(shown, axes, strict=True)):
        loss, done = row.split("/")
        of = {name: entropy(logits[loss][f"{done}/{name}"]) for name in SPLITS}
        _entropies(axis, of, np.log(len(splits.classes)), title(row), first=not index)
    left, right = bottom.subfigures(1, 2, width_ratios=(4, 9))
    _errors(left.subplots(), rows)
    for axis, kind in zip(right.subplots(1, 2, sharey=True), ("hard", "easy"), strict=True):
        _detectors(axis, rows, kind, first=kind == "hard")
    held_out, seeds = " and ".join(splits.held_out), len(next(iter(rows.values())))
    for part, line in (
        (
            top,
            f"seed {plan.first_seed}: accuracy over confidence on {len(splits.test.y):,} test images, "
            "and how many have that confidence",
        ),
        (
            middle,
            f"seed {plan.first_seed}: entropy of the prediction, nats; hard: {held_out}, easy: random images",
        ),
        (bottom, "all models" + (f", means of {seeds} seeds" if seeds > 1 else "")),
    ):
        part.suptitle(line, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    handles, labels = axes[0].get_legend_handles_labels()
    middle.legend(handles, labels, loc="outside upper right", ncols=len(SPLITS), frameon=False, labelcolor=INK)
    figure.suptitle(
        f"Calibration: {plan.recipe.network} network on {splits.name} ({splits.origin}) without {held_out}",
        x=0.01,
        ha="left",
        fontsize=15,
        fontweight="bold",
        color=INK,
    )
    save(figure, path)


def _chosen(rows: list[str]) -> list[str]:
    """The first network as it is, refitted and with a temperature, and the last with and without."""
    first, last = rows[0].split("/")[0], rows[-1].split("/")[0]
    wanted = [f"{first}/{done}" for done in (PLAIN, REFITTED, SCALED)]
    wanted += [f"{last}/{done}" for done in (PLAIN, SCALED)]
    return [row for row in dict.fromkeys(wanted) if row in rows][:_SHOWN]


def reliability(logits: Array, y: Array, bins: int = BINS) -> tuple[Array, Array, Array]:
    """Number of samples, mean confidence and accuracy in each bin of equal width, (bins,); NaN in empty ones."""
    probabilities = softmax(logits.astype(np.float64), axis=-1)
    confidence, success = probabilities.max(-1), probabilities.argmax(-1) == y
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(places, minlength=bins)
    whole = np.where(count, count, np.nan)
    return (
        count,
        np.bincount(places, confidence, minlength=bins) / whole,
        np.bincount(places, success, minlength=bins) / whole,
    )


def _reliability(axis: Any, logits: Array, y: Array, figures: Figures, name: str, *, first: bool) -> None:
    """Bars of accuracy, the gap to confidence, and below them how many samples each bar stands for."""
    count, confidence, accuracy = reliability(logits, y)
    middle = (np.arange(BINS) + 0.5) / BINS
    axis.bar(middle, accuracy, width=0.9 / BINS, color=BLUE, label="accuracy")
    for where, surer in ((confidence > accuracy, True), (confidence <= accuracy, False)):
        axis.bar(
            middle[where],
            (confidence - accuracy)[where],
            bottom=accuracy[where],
            width=0.9 / BINS,
            color=ORANGE if surer else GREEN,
            alpha=0.75,
            label="too sure" if surer else "too unsure",
        )
    axis.bar(middle, -0.18 * count / count.max(), width=0.9 / BINS, color=GREY)
    axis.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set(xlim=(0, 1), ylim=(-0.2, 1))
    axis.set_yticks([0, 0.5, 1])
    axis.set_xlabel("confidence", fontsize=9, color=INK)
    if first:
        axis.set_ylabel("accuracy", fontsize=9, color=INK)
        axis.legend(loc="upper left", edgecolor=PAPER, framealpha=0.9, fontsize=8.5, labelcolor=INK)
    errors = f"ECE {100 * figures.ece:.2f}%, floor {100 * figures.floor:.2f}%, its 95%: {100 * figures.floor95:.2f}%"
    _plain(axis, name, errors)


def _entropies(axis: Any, of: dict[str, Array], most: float, name: str, *, first: bool) -> None:
    """Histograms of entropy as outlines, the test images filled."""
    edges = np.linspace(0, most, 31)
    for split, values in of.items():
        share = np.histogram(np.clip(values, 0, most), edges)[0] / len(values)
        filled = split == "test"
        axis.stairs(
            share, edges, fill=filled, color=SPLITS[split], alpha=0.45 if filled else 1, linewidth=1.5, label=split
        )
    axis.set_yscale("log")
    axis.set(xlim=(0, most), ylim=(3e-4, 1.3))
    axis.set_xlabel("entropy", fontsize=9, color=INK)
    if first:
        axis.set_ylabel("share of the split", fontsize=9, color=INK)
    _plain(axis, name)


def _errors(axis: Any, rows: Mapping[str, Sequence[Figures]]) -> None:
    """ECE of every model beside its floor."""
    for place, figures in enumerate(rows.values()):
        mean, deviation = mean_and_deviation([100 * one.ece for one in figures])
        low, high = (100 * float(np.mean([getattr(one, name) for one in figures])) for name in ("floor", "floor95"))
        axis.barh(place, mean, color=BLUE if mean <= high else ORANGE, height=0.55)
        axis.plot([one.ece * 100 for one in figures], [place] * len(figures), ".", color=INK, markersize=5)
        axis.plot([low, high], [place + 0.38] * 2, color=INK, linewidth=2.2, solid_capstyle="butt")
        axis.text(mean + deviation + 0.25, place, f"{mean:.2f}", va="center", fontsize=9, color=INK)
    axis.set_yticks(range(len(rows)), [title(row) for row in rows])
    axis.invert_yaxis()
    axis.margins(x=0.12)
    axis.set_xlabel("ECE, %; black below each bar: the floor, mean to 95th percentile", fontsize=9, color=INK)
    _plain(axis, "expected calibration error")


def _detectors(axis: Any, rows: Mapping[str, Sequence[Figures]], kind: str, *, first: bool) -> None:
    """AUROC of every detector on every model."""
    names = list(next(iter(rows.values()))[0].auroc[kind])
    losses = list(dict.fromkeys(row.split("/")[0] for row in rows))
    for row, figures in rows.items():
        points = [
            (100 * float(np.mean([one.auroc[kind][name] for one in figures])), place)
            for place, name in enumerate(names)
            if name in figures[0].auroc[kind]
        ]
        loss, done = row.split("/")
        marker = {PLAIN: "o", SCALED: "^", REFITTED: "s"}[done]
        colour = LOSSES[losses.index(loss) % len(LOSSES)]
        axis.plot(*zip(*points, strict=True), marker, color=colour, markersize=7, alpha=0.75, label=title(row))
    axis.set_yticks(range(len(names)), [DETECTORS[name]().title for name in names])
    axis.grid(axis="y", color=RULE)
    axis.axvline(50, color=GREY, linewidth=1)
    axis.set_xlabel("AUROC, %; 50 is a coin", fontsize=9, color=INK)
    if first:
        axis.invert_yaxis()
    else:
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, labelcolor=INK)
    _plain(axis, f"telling outliers, {kind}")


def _plain(axis: Any, name: str, below: str = "") -> None:
    """A title, with a line below it, and no more frame than needed."""
    axis.set_title(name, loc="left", fontsize=11.5, fontweight="bold", color=INK, pad=19 if below else 6)
    axis.text(0, 1.02, below, transform=axis.transAxes, fontsize=9, color=INK)
    unframe(axis)
