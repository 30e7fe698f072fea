"""Embeddings of earlier batches."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.pairs import Tensor, class_numbers


@keras.saving.register_keras_serializable(package="zoo")
class EmbeddingQueue(keras.layers.Layer):
    """A first-in, first-out queue of embeddings and labels, newest first; the state of `CrossBatchMemory`.

    Args:
        capacity: how many embeddings.
        dimension: of an embedding.
        **kwargs: as `keras.layers.Layer`.
    """

    def __init__(self, capacity: int, dimension: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if capacity < 1 or dimension < 1:
            raise ValueError(f"a queue of {capacity} embeddings in {dimension} dimensions holds nothing")
        self.capacity, self.dimension = capacity, dimension
        self.build()

    def build(self, input_shape: Any = None) -> None:
        """Makes the empty queue."""
        if self.built:
            return
        frozen = {"initializer": "zeros", "trainable": False}
        self.embeddings = self.add_weight((self.capacity, self.dimension), name="embeddings", **frozen)
        self.labels = self.add_weight((self.capacity,), dtype="int32", name="labels", **frozen)
        self.count = self.add_weight((), dtype="int32", name="count", **frozen)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs as they are: a queue only keeps."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """That of the inputs."""
        return tuple(input_shape)

    def enqueue(self, labels: Tensor, embeddings: Tensor) -> None:
        """Puts (batch,) labels and (batch, dimension) embeddings in front; what no longer fits is forgotten."""
        embeddings = ops.cast(ops.stop_gradient(embeddings), self.embeddings.dtype)
        newest = ops.concatenate([embeddings, self.embeddings])[: self.capacity]
        labels = ops.concatenate([class_numbers(labels), self.labels])[: self.capacity]
        self.embeddings.assign(newest)
        self.labels.assign(labels)
        self.count.assign(ops.minimum(self.count + ops.shape(embeddings)[0], self.capacity))

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "capacity": self.capacity, "dimension": self.dimension}
