"""Distance to the nearest class, in units of how features spread within a class."""

from typing import ClassVar

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf, ShrunkCovariance

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.outputs import Outputs


class Mahalanobis(Detector):
    """Squared Mahalanobis distance of the features to the nearest class mean, with one covariance for all classes.

    Args:
        shrinkage: from 0 to 1, how far the covariance is drawn towards a multiple of the identity; None to estimate it
            after Ledoit and Wolf 2004.

    Attributes:
        means_: (classes seen, width).
        whitening_: (width, rank), its product with its own transpose is the precision. Directions in which the
            training features do not vary at all (rank < width) count only if the shrinkage gives them a variance.

    Raises:
        ValueError: when fitting, for a shrinkage out of range.

    Reference:
        Lee, Lee, Lee, Shin 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial
        attacks", of which this is the score of the last layer.
    """

    title: ClassVar[str] = "Mahalanobis"

    def __init__(self, shrinkage: float | None = None) -> None:
        self.shrinkage = shrinkage

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if self.shrinkage is not None and not 0 <= self.shrinkage <= 1:
            raise ValueError(f"a shrinkage of {self.shrinkage} is not from 0 to 1")
        features = outputs.features.astype(np.float64)
        classes, index = np.unique(y, return_inverse=True)
        self.means_ = np.stack([features[index == number].mean(axis=0) for number in range(len(classes))])
        estimator = (
            LedoitWolf(assume_centered=True, store_precision=False)
            if self.shrinkage is None
            else ShrunkCovariance(assume_centered=True, store_precision=False, shrinkage=self.shrinkage)
        )
        self.whitening_ = whitening(estimator.fit(features - self.means_[index]).covariance_)

    def _score(self, outputs: Outputs) -> Array:
        features = outputs.features.astype(np.float64)
        return cdist(features @ self.whitening_, self.means_ @ self.whitening_, "sqeuclidean").min(axis=1)


def whitening(covariance: Array) -> Array:
    """W, (width, rank), with W W' the pseudo-inverse of a covariance; the identity where nothing varies at all."""
    variances, directions = np.linalg.eigh(covariance)
    varying = variances > variances[-1] * len(variances) * np.finfo(np.float64).eps
    if not varying.any():
        return np.eye(len(variances))
    return directions[:, varying] / np.sqrt(variances[varying])
