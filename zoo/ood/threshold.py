"""From a score to a decision: inlier or outlier, and how probable that is."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from zoo.ood.metrics import keep_threshold, labelled, rates

Array = np.ndarray


class ThresholdClassifier(BaseEstimator):
    """Calls outlying what scores above a threshold. On the scores of `Entropy`, this is the entropy classifier.

    The scores to fit to should come from images that nothing was trained on: training images look more certain.

    Args:
        keep: part of the inliers that may pass, above 0 to 1, where no outliers are known.

    Attributes:
        threshold_: scores above it are outlying.
        scores_, probabilities_: corners of the rising line from a score to the probability of an outlier, were both
            kinds equally frequent; None where no outliers are known. A line rather than a logistic curve, as entropies
            crowd at 0 (Zadrozny, Elkan 2002, "Transforming classifier scores into accurate multiclass probability
            estimates").
    """

    def __init__(self, keep: float = 0.95) -> None:
        self.keep = keep

    def fit(self, inliers: Array, outliers: Array | None = None) -> Self:
        """Chooses the threshold.

        Args:
            inliers: scores (n,), higher = more outlying.
            outliers: scores (m,) of known outliers; the threshold then is the one that makes the least mean of both
                kinds' error rates. Without any, it is the one that a part `keep` of the inliers passes.

        Raises:
            ValueError: no scores, or NaN or infinity among them; a `keep` out of range.
        """
        if outliers is None:
            labelled(inliers, inliers)
            self.threshold_, self.scores_, self.probabilities_ = keep_threshold(inliers, self.keep), None, None
            return self
        labels, scores = labelled(inliers, outliers)
        false_alarms, hits, thresholds = rates(inliers, outliers)
        best = int(np.argmax(hits - false_alarms))
        # Scores from `above` on are called outlying there: the threshold goes half way to the next lower score.
        above = min(thresholds[best], scores.max() + 1.0)
        below = scores[scores < above]
        self.threshold_ = float((above + below.max()) / 2 if len(below) else above - 1.0)
        weights = np.where(labels == 1, 0.5 / len(outliers), 0.5 / len(inliers))
        line = IsotonicRegression().fit(scores, labels, sample_weight=weights)
        self.scores_, self.probabilities_ = line.X_thresholds_, line.y_thresholds_
        return self

    def predict(self, scores: Array) -> Array:
        """Whether each of the scores (n,) is outlying: (n,), bool."""
        check_is_fitted(self, "threshold_")
        return np.asarray(scores) > self.threshold_

    def probability(self, scores: Array) -> Array:
        """Probability that each of the scores (n,) is an outlier's, were both kinds equally frequent: (n,).

        Raises:
            ValueError: not fitted to outliers.
        """
        check_is_fitted(self, "threshold_")
        if self.scores_ is None:
            raise ValueError("a probability needs outliers to fit to")
        return np.interp(scores, self.scores_, self.probabilities_)

    def reliability(self, inliers: Array, outliers: Array, bins: int = 10) -> tuple[Array, Array]:
        """How often the probabilities of new scores come true: mean probability, and share of outliers, in each bin.

        Args:
            inliers, outliers: scores (n,) and (m,), other than those fitted to; as many of the one as of the other, or
                the shares are not those that the probabilities are meant for.
            bins: of equal width; those without any scores are left out.
        """
        labels, scores = labelled(inliers, outliers)
        share, mean = calibration_curve(labels, self.probability(scores), n_bins=bins)
        return mean, share
