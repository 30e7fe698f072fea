"""How well scores set outliers apart from inliers: AUROC, AUPR in and out, FPR95.

All of them exact, on all scores at once: `keras.metrics.AUC` streams, but into bins, and the scores of these detectors
have no range that bins could be laid over.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

Array = np.ndarray


@dataclass(frozen=True)
class Separation:
    """How well one detector tells one kind of outliers from the inliers.

    Attributes:
        auroc: chance that an outlier scores higher than an inlier; .5 is a coin. Equal scores count half.
        aupr_in: average precision with inliers as what is to be found.
        aupr_out: average precision with outliers as what is to be found. A coin reaches the share of outliers.
        fpr95: share of outliers that pass for inliers, at the threshold that at least 95% of the inliers pass.
    """

    auroc: float
    aupr_in: float
    aupr_out: float
    fpr95: float


def separation(inliers: Array, outliers: Array) -> Separation:
    """All four figures, from scores (n,) and (m,), higher = more outlying.

    Raises:
        ValueError: no scores, not in one axis, or NaN or infinity among them.
    """
    return Separation(
        auroc(inliers, outliers),
        aupr_in(inliers, outliers),
        aupr_out(inliers, outliers),
        fpr95(inliers, outliers),
    )


def auroc(inliers: Array, outliers: Array) -> float:
    """Area under the curve of hits over false alarms. Arguments and errors as `separation`."""
    return float(roc_auc_score(*labelled(inliers, outliers)))


def aupr_in(inliers: Array, outliers: Array) -> float:
    """Average precision of finding inliers. Arguments and errors as `separation`."""
    labels, scores = labelled(inliers, outliers)
    return float(average_precision_score(1 - labels, -scores))


def aupr_out(inliers: Array, outliers: Array) -> float:
    """Average precision of finding outliers. Arguments and errors as `separation`."""
    return float(average_precision_score(*labelled(inliers, outliers)))


def fpr95(inliers: Array, outliers: Array, keep: float = 0.95) -> float:
    """Share of outliers at or below `keep_threshold(inliers, keep)`. Arguments and errors as `separation`."""
    labelled(inliers, outliers)
    return float(np.mean(np.asarray(outliers) <= keep_threshold(inliers, keep)))


def keep_threshold(inliers: Array, keep: float = 0.95) -> float:
    """The least of the scores (n,) that at least a part `keep` of them, above 0 to 1, do not exceed."""
    if not 0 < keep <= 1:
        raise ValueError(f"a part of {keep} to keep is not above 0 and up to 1")
    return float(np.quantile(inliers, keep, method="inverted_cdf"))


def rates(inliers: Array, outliers: Array) -> tuple[Array, Array, Array]:
    """The ROC curve: false alarm rates and hit rates, both rising from 0 to 1, and the falling thresholds from which
    on scores count as outlying, the first of them infinite. Arguments and errors as `separation`.
    """
    return roc_curve(*labelled(inliers, outliers))


def precision_recall(inliers: Array, outliers: Array) -> tuple[Array, Array]:
    """Recall, falling from 1 to 0, and precision of finding outliers. Arguments and errors as `separation`."""
    precision, recall, _ = precision_recall_curve(*labelled(inliers, outliers))
    return recall, precision


def labelled(inliers: Array, outliers: Array) -> tuple[Array, Array]:
    """Labels (n + m,), 1 for outliers, and scores, inliers first. Arguments and errors as `separation`."""
    for name, scores in (("inliers", inliers), ("outliers", outliers)):
        if np.ndim(scores) != 1 or not len(scores):
            raise ValueError(f"scores of {name} have shape {np.shape(scores)}, not (n,) with n from 1")
        if np.isnan(scores).any():
            raise ValueError(f"{np.isnan(scores).sum()} of the scores of {name} are NaN")
        if np.isinf(scores).any():
            raise ValueError(f"{np.isinf(scores).sum()} of the scores of {name} are infinite")
    scores = np.concatenate([inliers, outliers]).astype(np.float64)
    return np.repeat([0, 1], [len(inliers), len(outliers)]), scores
