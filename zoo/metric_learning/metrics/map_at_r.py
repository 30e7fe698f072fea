"""Mean average precision at R."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.metrics.base import RetrievalMetric
from zoo.metric_learning.pairs import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class MeanAveragePrecisionAtR(RetrievalMetric):
    """MAP@R: the sum of the precision at each rank within R that is a hit, over R, which rewards hits that come early.

    Args:
        capacity, name, dtype: as `RetrievalMetric`.

    Reference:
        Musgrave, Belongie, Lim 2020, "A metric learning reality check".
    """

    def __init__(self, capacity: int = 10_000, *, name: str | None = "map_at_r", dtype: Any = None) -> None:
        super().__init__(capacity, name=name, dtype=dtype)

    def of_ranking(self, hits: Tensor, relevant: Tensor) -> Tensor:
        """Average precision within R for each query."""
        rank = ops.cast(ops.arange(1, hits.shape[1] + 1)[None, :], hits.dtype)
        within = ops.where(rank <= relevant[:, None], hits, 0.0)
        return ops.sum(within * ops.cumsum(within, axis=1) / rank, axis=1) / ops.maximum(relevant, 1.0)
