"""Pairs with the embeddings of earlier batches."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.losses.embedding_queue import EmbeddingQueue
from zoo.metric_learning.losses.proxy_loss import ProxyLoss
from zoo.metric_learning.pairs import Mined, Pairs, Reference, Tensor, all_pairs, class_numbers


@keras.saving.register_keras_serializable(package="zoo")
class CrossBatchMemory(MetricLoss):
    """Another loss, with the embeddings of earlier batches as further references.

    Each anchor is compared with the rest of its batch, through which gradients flow, and with the memory, through
    which they do not. The paper adds two losses instead, one against the batch and one against the memory.

    Computing the loss changes nothing, so that evaluation leaves the memory alone; `enqueue` remembers a batch, and
    `EmbeddingModel.train_step` calls it after every step. Embeddings drift least late in a training; start with a
    plain loss and change over when the learning rate has fallen.

    Args:
        loss: a loss over pairs; not one over proxies or given pairs. Its miner, if any, picks among all pairs.
        dimension: of an embedding.
        capacity: embeddings to remember.
        **kwargs: `reduction`, `name` and `dtype` of `MetricLoss`; the wrapped loss's reduction is not used.

    Reference:
        Wang, Zhang, Huang, Scott 2020, "Cross-batch memory for embedding learning".
    """

    def __init__(self, loss: MetricLoss, dimension: int, capacity: int = 1024, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loss = keras.saving.deserialize_keras_object(loss) if isinstance(loss, dict) else loss
        if isinstance(self.loss, ProxyLoss | CrossBatchMemory) or type(self.loss).on is not MetricLoss.on:
            raise ValueError(f"{type(self.loss).__name__} does not take references")
        if self.miner is not None:
            raise ValueError("give the miner to the wrapped loss")
        self.state = EmbeddingQueue(capacity, dimension, dtype="float32", name="embedding_queue")

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Value of each anchor, (batch,), for labels (batch,) and embeddings (batch, dimension)."""
        labels = class_numbers(y_true)
        inside, outside = all_pairs(labels), all_pairs(labels, self.state.labels)
        known = (ops.arange(self.state.capacity) < self.state.count)[None, :]
        candidates = Pairs(
            *(
                ops.concatenate([own, ops.logical_and(remembered, known)], axis=1)
                for own, remembered in zip(inside, outside, strict=True)
            )
        )
        reference = Reference(
            ops.concatenate([labels, self.state.labels]),
            ops.concatenate([y_pred, ops.cast(self.state.embeddings, y_pred.dtype)]),
        )
        miner = self.loss.miner
        mined = miner(labels, y_pred, reference, candidates) if miner else candidates
        return self.loss.on(labels, y_pred, mined, reference)

    def on(
        self, labels: Tensor, embeddings: Tensor, mined: Mined | None = None, reference: Reference | None = None
    ) -> Tensor:
        """As the wrapped loss, without the memory: here the caller says what to compare with."""
        return self.loss.on(labels, embeddings, mined, reference)

    def enqueue(self, labels: Tensor, embeddings: Tensor) -> None:
        """Remembers a batch: labels (batch,), embeddings (batch, dimension)."""
        self.state.enqueue(labels, embeddings)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        config = super().get_config()
        del config["miner"]
        own = {"dimension": self.state.dimension, "capacity": self.state.capacity}
        return {**config, "loss": keras.saving.serialize_keras_object(self.loss), **own}
