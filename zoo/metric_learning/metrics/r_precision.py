"""R-precision."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.metrics.base import RetrievalMetric
from zoo.metric_learning.pairs import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class RPrecision(RetrievalMetric):
    """Share of samples of the query's class among its R nearest neighbours, R being how many there are in all.

    Args:
        capacity, name, dtype: as `RetrievalMetric`.

    Reference:
        Musgrave, Belongie, Lim 2020, "A metric learning reality check".
    """

    def __init__(self, capacity: int = 10_000, *, name: str | None = "r_precision", dtype: Any = None) -> None:
        super().__init__(capacity, name=name, dtype=dtype)

    def of_ranking(self, hits: Tensor, relevant: Tensor) -> Tensor:
        """Hits within R / R for each query."""
        within = ops.cast(ops.arange(hits.shape[1])[None, :], hits.dtype) < relevant[:, None]
        return ops.sum(ops.where(within, hits, 0.0), axis=1) / ops.maximum(relevant, 1.0)
