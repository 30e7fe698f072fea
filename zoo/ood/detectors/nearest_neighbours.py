"""Distance to the k-th nearest training image, in the space of features."""

from typing import ClassVar

import numpy as np
from sklearn.neighbors import NearestNeighbors

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.outputs import Outputs


class KNearestNeighbours(Detector):
    """Euclidean distance to the k-th nearest of the training images' features, all scaled to length 1.

    Args:
        k: which neighbour, from 1; with fewer training images than that, the last of them.
        unit: whether to scale features to length 1. Features that are all 0 stay 0.

    Attributes:
        features_: (n, width), the training images' features, scaled.

    Raises:
        ValueError: when fitting, for a k below 1.

    Reference:
        Sun, Ming, Zhu, Li 2022, "Out-of-distribution detection with deep nearest neighbors"; k is theirs for CIFAR-10.
    """

    title: ClassVar[str] = "k-NN"

    def __init__(self, k: int = 50, unit: bool = True) -> None:
        self.k = k
        self.unit = unit

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if self.k < 1:
            raise ValueError(f"k of {self.k} is below 1")
        self.features_ = self._scaled(outputs.features)

    def _score(self, outputs: Outputs) -> Array:
        k = min(self.k, len(self.features_))
        index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self.features_)
        return index.kneighbors(self._scaled(outputs.features))[0][:, -1]

    def _scaled(self, features: Array) -> Array:
        if not self.unit:
            return features
        largest = np.abs(features).max(axis=1, keepdims=True)  # first, so that no square overflows or vanishes
        features = features / np.where(largest > 0, largest, 1)
        return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1)
