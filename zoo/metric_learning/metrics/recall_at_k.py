"""Recall at k."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.metrics.base import RetrievalMetric
from zoo.metric_learning.pairs import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class RecallAtK(RetrievalMetric):
    """R@k: share of queries that have at least one sample of their class among their k nearest neighbours.

    Args:
        k: from 1.
        capacity, name, dtype: as `RetrievalMetric`.
    """

    def __init__(self, k: int = 1, capacity: int = 10_000, *, name: str | None = None, dtype: Any = None) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        super().__init__(capacity, name=name or f"recall_at_{k}", dtype=dtype)
        self.k = k

    @property
    def depth(self) -> int:
        """k."""
        return self.k

    def of_ranking(self, hits: Tensor, relevant: Tensor) -> Tensor:
        """1 or 0 for each query."""
        return ops.max(hits, axis=1)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "k": self.k}
