"""How good the neighbours of an embedding are: R@k, P@k, R-precision and MAP@R."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.metrics.base import RetrievalMetric
from zoo.metric_learning.pairs import Tensor


class AtK(RetrievalMetric):
    """A metric of the k nearest neighbours.

    Args:
        k: from 1.
        capacity, name, dtype: as `RetrievalMetric`.

    Raises:
        ValueError: no neighbours.
    """

    def __init__(self, k: int, capacity: int = 10_000, *, name: str | None = None, dtype: Any = None) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        super().__init__(capacity, name=name, dtype=dtype)
        self.k = k

    @property
    def depth(self) -> int:
        """k."""
        return self.k

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "k": self.k}


@keras.saving.register_keras_serializable(package="zoo")
class RecallAtK(AtK):
    """R@k: share of queries that have at least one sample of their class among their k nearest neighbours.

    Args:
        k: from 1.
        capacity, name, dtype: as `RetrievalMetric`.
    """

    def __init__(self, k: int = 1, capacity: int = 10_000, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(k, capacity, name=name or f"recall_at_{k}", dtype=dtype)

    def of_ranking(self, hits: Tensor, relevant: Tensor) -> Tensor:
        """1 or 0 for each query."""
        return ops.max(hits, axis=1)


@keras.saving.register_keras_serializable(package="zoo")
class PrecisionAtK(AtK):
    """P@k: share of samples of the query's class among its k nearest neighbours.

    Args:
        k: from 1. With fewer than k other samples, those that are missing count as wrong.
        capacity, name, dtype: as `RetrievalMetric`.
    """

    def __init__(self, k: int = 10, capacity: int = 10_000, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(k, capacity, name=name or f"precision_at_{k}", dtype=dtype)

    def of_ranking(self, hits: Tensor, relevant: Tensor) -> Tensor:
        """Hits / k for each query."""
        return ops.sum(hits, axis=1) / self.k


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
