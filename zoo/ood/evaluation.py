"""Many detectors on many kinds of outliers, as a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from zoo.ood.detectors.base import Detector
from zoo.ood.detectors.nearest_neighbours import KNearestNeighbours
from zoo.ood.detectors.table import DETECTORS
from zoo.ood.metrics import Separation, separation
from zoo.ood.outputs import Outputs
from zoo.tables import aligned

Array = np.ndarray

PIXELS = "pixels"
"""Name of the plain baseline: k-NN on the images themselves, without any network."""


@dataclass(frozen=True)
class Evaluation:
    """Scores and figures of detectors, by the detectors' names.

    Attributes:
        titles: what to call each.
        inliers: its scores (n,) of inliers.
        outliers: its scores (m,) of outliers, by their kind.
        separations: its figures, by the kind of outliers.
    """

    titles: dict[str, str]
    inliers: dict[str, Array]
    outliers: dict[str, dict[str, Array]]
    separations: dict[str, dict[str, Separation]]


def fit_all(training: Outputs, y: Array | None = None, names: Iterable[str] = DETECTORS) -> dict[str, Detector]:
    """Fits detectors to one forward pass. Those for ensembles are left out where there is but one model."""
    fitted = {}
    for name in names:
        detector = DETECTORS[name]()
        if detector.needs_members and training.members is None:
            continue
        fitted[name] = detector.fit_outputs(training, y)
    return fitted


def evaluate(detectors: Mapping[str, Detector], inliers: Outputs, outliers: Mapping[str, Outputs]) -> Evaluation:
    """Scores inliers and every kind of outliers with fitted detectors."""
    return evaluation(
        {name: detector.title for name, detector in detectors.items()},
        {name: detector.score_outputs(inliers) for name, detector in detectors.items()},
        {
            name: {kind: detector.score_outputs(outputs) for kind, outputs in outliers.items()}
            for name, detector in detectors.items()
        },
    )


def evaluation(titles: dict[str, str], inliers: dict[str, Array], outliers: dict[str, dict[str, Array]]) -> Evaluation:
    """The figures of given scores."""
    figures = {
        name: {kind: separation(inliers[name], scores) for kind, scores in outliers[name].items()} for name in titles
    }
    return Evaluation(titles, inliers, outliers, figures)


def with_pixels(
    result: Evaluation, training: Array, inliers: Array, outliers: Mapping[str, Array], samples: int = 5000
) -> Evaluation:
    """Adds the plain baseline, from the images themselves; at most `samples` of the training images are its neighbours.

    Images are scaled neither in brightness nor in contrast: k-NN by plain Euclidean distance.
    """

    def flat(x: Array) -> Outputs:
        pixels = np.asarray(x, np.float32).reshape(len(x), -1)
        return Outputs(pixels, np.zeros((len(x), 1)), np.zeros((pixels.shape[1], 1)), np.zeros(1))

    detector = KNearestNeighbours(unit=False).fit_outputs(flat(training[:samples]))
    return evaluation(
        {PIXELS: "k-NN on pixels", **result.titles},
        {PIXELS: detector.score_outputs(flat(inliers)), **result.inliers},
        {
            PIXELS: {kind: detector.score_outputs(flat(x)) for kind, x in outliers.items()},
            **result.outliers,
        },
    )


def table(result: Evaluation) -> str:
    """AUROC, AUPR in and out, and FPR95 in percent, a row for each detector."""
    kinds = list(next(iter(result.separations.values())))
    columns = ("AUROC", "AUPR in", "AUPR out", "FPR95")
    rows = [["", *columns * len(kinds)]]
    for name, title in result.titles.items():
        found = [result.separations[name][kind] for kind in kinds]
        values = [value for one in found for value in (one.auroc, one.aupr_in, one.aupr_out, one.fpr95)]
        rows.append([title, *(f"{100 * value:.1f}" for value in values)])
    width, group = max(map(len, result.titles.values())), sum(map(len, columns)) + 2 * len(columns) - 2
    return " " * width + "".join(f"  {kind:^{group}}" for kind in kinds).rstrip() + "\n" + aligned(rows)
