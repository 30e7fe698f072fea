"""One page: how well each detector tells outliers, and what its scores look like."""

from pathlib import Path
from typing import Any

import numpy as np

from zoo.drawing import GREY, INK, RULE, save, sheet, unframe
from zoo.ood.evaluation import Evaluation
from zoo.ood.metrics import precision_recall, rates
from zoo.ood.threshold import ThresholdClassifier

Array = np.ndarray

INLIERS = "#174a7c"
OUTLIERS = {"hard": "#d9622b", "easy": "#5aa469"}
LINES = ("#174a7c", "#d9622b", "#5aa469")
"""Of the best three detectors; all others are grey, and entropy is dashed."""

_COLUMNS = 5


def page(
    path: Path, result: Evaluation, threshold: ThresholdClassifier, held: tuple[Array, Array], caption: str
) -> None:
    """Writes curves on top, and below them a histogram for every detector, as a PNG.

    Args:
        path: file to write.
        result: scores and figures; the kinds of outliers are "hard" and "easy".
        threshold: the entropy classifier, whose threshold is drawn into the curves of the hard outliers.
        held: entropies of inliers and hard outliers that it was not fitted to.
        caption: one line on what the images are.
    """
    rows = -(-len(result.titles) // _COLUMNS)
    figure = sheet(16.0, 4.6 + 2.1 * rows, dpi=110, layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(4.0, 2.1 * rows), hspace=0.03)
    curves = top.subplots(1, _COLUMNS)
    for axis, kind in zip(curves[:2], OUTLIERS, strict=True):
        _curves(axis, result, kind, precision=False)
    for axis, kind in zip(curves[2:4], OUTLIERS, strict=True):
        _curves(axis, result, kind, precision=True)
    _operating_point(curves[0], threshold, held)
    _reliability(curves[4], threshold, held)
    histograms = bottom.subplots(rows, _COLUMNS).ravel()
    for name, axis in zip(result.titles, histograms, strict=False):
        _histogram(axis, result, name)
    for axis in histograms[len(result.titles) :]:
        axis.axis("off")
    handles, labels = histograms[0].get_legend_handles_labels()
    bottom.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False, fontsize=10, labelcolor=INK)
    bottom.suptitle("scores, higher = more outlying", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    figure.suptitle(f"Telling outliers: {caption}", x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    save(figure, path)


def _curves(axis: Any, result: Evaluation, kind: str, *, precision: bool) -> None:
    """ROC or precision-recall curves of all detectors, the best three and the entropy by name."""

    def merit(name: str) -> float:
        one = result.separations[name][kind]
        return one.aupr_out if precision else one.auroc

    ranked = sorted(result.titles, key=merit, reverse=True)
    named = [*ranked[:3], *(["entropy"] if "entropy" in ranked[3:] else [])]
    for name in reversed(ranked):  # the best on top
        inliers, outliers = result.inliers[name], result.outliers[name][kind]
        x, y = precision_recall(inliers, outliers) if precision else rates(inliers, outliers)[:2]
        style = {"color": GREY, "linewidth": 0.8}
        if name in ranked[:3]:
            style = {"color": LINES[ranked.index(name)], "linewidth": 1.8}
        elif name in named:
            style = {"color": INK, "linewidth": 1.4, "linestyle": (0, (4, 2))}
        axis.plot(x, y, label=f"{result.titles[name]}  {merit(name):.3f}", **style)
    handles = dict(zip(reversed(ranked), axis.get_lines(), strict=True))
    shown = [handles[name] for name in named]
    axis.legend(shown, [line.get_label() for line in shown], loc="lower left" if precision else "lower right",
                framealpha=0.8, edgecolor="none", fontsize=8.5, labelcolor=INK)  # fmt: skip
    if precision:
        _square(axis, f"precision and recall, {kind}", "recall of outliers", "precision")
    else:
        axis.plot([0, 1], [0, 1], color=RULE, linewidth=1.0, zorder=0)
        _square(axis, f"ROC, {kind}", "inliers called outlying", "outliers found")


def _operating_point(axis: Any, threshold: ThresholdClassifier, held: tuple[Array, Array]) -> None:
    inliers, outliers = held
    place = threshold.predict(inliers).mean(), threshold.predict(outliers).mean()
    axis.plot(*place, "o", color=INK, markersize=5, zorder=5)
    axis.annotate(
        f"entropy > {threshold.threshold_:.2f}",
        place,
        xytext=(14, -18),
        textcoords="offset points",
        fontsize=8.5,
        color=INK,
    )


def _reliability(axis: Any, threshold: ThresholdClassifier, held: tuple[Array, Array]) -> None:
    """How often the entropy classifier's probabilities come true, on as many outliers as inliers."""
    count = min(map(len, held))
    probability, share = threshold.reliability(held[0][:count], held[1][:count])
    axis.plot([0, 1], [0, 1], color=RULE, linewidth=1.0)
    axis.plot(probability, share, "o-", color=LINES[0], linewidth=1.6, markersize=4)
    _square(axis, "reliability, entropy and hard", "predicted probability of an outlier", "share of outliers")


def _histogram(axis: Any, result: Evaluation, name: str) -> None:
    """Inliers and both kinds of outliers, within the middle 99% of all their scores."""
    from matplotlib.ticker import AsinhLocator, MaxNLocator

    groups = {"test images": result.inliers[name], **result.outliers[name]}
    pooled = np.concatenate(list(groups.values()))
    low, middle, high = np.percentile(pooled, [0.5, 50, 99.5])
    high = high if high > low else low + 1
    if middle - low < 0.1 * (high - low):  # most scores in one bin: logarithmic, but for the smallest
        width = max(float(np.percentile(np.abs(pooled), 5)), 1e-6 * (high - low))
        bins = width * np.sinh(np.linspace(np.arcsinh(low / width), np.arcsinh(high / width), 41))
        axis.set_xscale("asinh", linear_width=width)
        axis.xaxis.set_major_locator(AsinhLocator(width, numticks=6))
    else:
        bins = np.linspace(low, high, 41)
        axis.xaxis.set_major_locator(MaxNLocator(4))
    for label, scores in groups.items():
        color, share = OUTLIERS.get(label, INLIERS), np.full(len(scores), 1 / len(scores))
        scores = np.clip(scores, bins[0], bins[-1])
        axis.hist(scores, bins, weights=share, histtype="stepfilled", color=color, alpha=0.22)
        axis.hist(scores, bins, weights=share, histtype="step", color=color, linewidth=1.2, label=label)
    figures = result.separations[name]
    axis.set_title(result.titles[name], loc="left", fontsize=10.5, fontweight="bold", color=INK)
    axis.set_title(
        "  ".join(f"{kind} {one.auroc:.3f}" for kind, one in figures.items()), loc="right", fontsize=8.5, color=INK
    )
    axis.set_yticks([])
    unframe(axis, 8)


def _square(axis: Any, title: str, x: str, y: str) -> None:
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1.005)
    axis.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axis.set_xlabel(x, fontsize=9, color=INK)
    axis.set_ylabel(y, fontsize=9, color=INK)
    axis.grid(color=RULE, linewidth=0.6)
    unframe(axis, 8)
