"""What every retrieval metric shares: it collects embeddings, and ranks all of them for each of them."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.pairs import Tensor, class_numbers, unit

CHUNK = 256
"""Queries that are ranked at a time."""


class RetrievalMetric(keras.metrics.Metric):
    """The mean over queries of how good their ranking is.

    Every sample is a query against all others, nearest first by cosine; of equals the one that came first. Samples are
    collected over batches of any size, so that the value is that of all of them at once. A sample weight weighs its
    query and changes nothing in the ranking. Queries whose class has no other sample are left out, as
    pytorch-metric-learning does; without any query left the value is 0.

    A value takes as many products as the square of the number of samples. `EmbeddingModel` asks for it only when an
    epoch or an evaluation ends; another model asks after every batch, so give it small validation sets.

    Args:
        capacity: samples that can be collected; with more of them the value is NaN.
        name, dtype: as `keras.metrics.Metric`.
    """

    def __init__(self, capacity: int = 10_000, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.capacity = capacity
        self.embeddings = None
        zeros = {"shape": (capacity,), "initializer": "zeros"}
        self.labels = self.add_variable(**zeros, dtype="int32", name="labels")
        self.weights = self.add_variable(**zeros, name="weights")
        self.count = self.add_variable((), "zeros", dtype="int32", name="count")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Collects a batch.

        Args:
            y_true: (batch,) or (batch, 1), class numbers.
            y_pred: (batch, dimension), embeddings of any length but zero.
            sample_weight: (batch,) or a number; None for 1.
        """
        if self.embeddings is None:
            shape = (self.capacity, y_pred.shape[-1])
            self.embeddings = self.add_variable(shape, "zeros", name="embeddings")
        labels = class_numbers(y_true)
        found = unit(ops.cast(y_pred, self.dtype))
        weight = ops.cast(1.0 if sample_weight is None else sample_weight, self.dtype)
        weight = ops.broadcast_to(ops.reshape(weight, (-1,)), ops.shape(labels))
        # What is beyond the capacity is only counted.
        places = self.count + ops.arange(ops.shape(labels)[0], dtype="int32")
        fits = places < self.capacity
        places = ops.where(fits, places, 0)

        def put(variable: Any, values: Tensor) -> None:
            kept = ops.where(ops.reshape(fits, (-1,) + (1,) * (len(values.shape) - 1)), values, ops.zeros_like(values))
            variable.assign(variable + ops.scatter(places[:, None], kept, variable.shape))

        put(self.embeddings, found)
        put(self.labels, labels)
        put(self.weights, weight)
        self.count.assign(self.count + ops.shape(labels)[0])

    def result(self) -> Tensor:
        """The weighted mean over the queries."""
        if self.embeddings is None:
            return ops.zeros((), self.dtype)
        held = ops.where(self.count > self.capacity, 0, self.count)  # nothing to rank where the answer is NaN
        total, weight = ops.zeros((), self.dtype), ops.zeros((), self.dtype)

        def more(start: Tensor, total: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            queries = start + ops.arange(CHUNK)
            inside = queries < held
            queries = ops.where(inside, queries, 0)
            values, relevant = self._rank(queries, held)
            mine = ops.take(self.weights, queries) * ops.cast(ops.logical_and(inside, relevant > 0), self.dtype)
            return start + CHUNK, total + ops.sum(values * mine), weight + ops.sum(mine)

        start = ops.zeros((), "int32")
        _, total, weight = ops.while_loop(lambda start, *_: start < held, more, (start, total, weight))
        value = ops.where(weight > 0, total / ops.where(weight > 0, weight, 1.0), 0.0)
        return ops.where(self.count > self.capacity, float("nan"), value)

    def of_ranking(self, hits: Tensor, relevant: Tensor) -> Tensor:
        """The value of each query; a subclass's maths.

        Args:
            hits: (queries, depth), 1 where the neighbour at that rank has the query's class, else 0. Ranks beyond the
                samples are 0.
            relevant: (queries,), how many other samples have the query's class.

        Returns:
            (queries,).
        """
        raise NotImplementedError

    @property
    def depth(self) -> int | None:
        """How many neighbours `of_ranking` looks at; None for as many as any query has relevant samples."""
        return None

    def _rank(self, queries: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
        """Value, and number of relevant samples, of each query."""
        everyone = ops.arange(self.capacity)
        labels = ops.take(self.labels, queries)
        others = ops.logical_and(everyone[None, :] < held, ops.not_equal(everyone[None, :], queries[:, None]))
        same = ops.logical_and(ops.equal(labels[:, None], self.labels[None, :]), others)
        relevant = ops.sum(ops.cast(same, "int32"), axis=1)
        similar = ops.matmul(ops.take(self.embeddings, queries, axis=0), ops.transpose(self.embeddings))
        similar = ops.where(others, similar, -9.0)
        depth = min(self.depth or self._greatest(relevant), self.capacity)
        _, nearest = ops.top_k(similar, depth)
        hits = ops.cast(ops.take_along_axis(same, nearest, axis=1), self.dtype)
        return self.of_ranking(hits, ops.cast(relevant, self.dtype)), relevant

    def _greatest(self, relevant: Tensor) -> int:
        """The largest number of relevant samples where it is known, which it is not inside a graph."""
        try:
            return max(1, int(ops.max(relevant)))
        except TypeError:
            return self.capacity

    def reset_state(self) -> None:
        """Forgets everything that was collected."""
        for variable in self.variables:
            variable.assign(ops.zeros_like(variable))

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "capacity": self.capacity}
