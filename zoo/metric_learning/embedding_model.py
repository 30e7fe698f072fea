"""A network that is trained by how its embeddings lie to each other."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from zoo.metric_learning.metrics.base import RetrievalMetric

Tensor = Any


@keras.saving.register_keras_serializable(package="zoo")
class EmbeddingModel(keras.Model):
    """A functional graph from images to embeddings, trained on labelled images or on pairs of them.

    `fit` and `evaluate` take batches (images, labels) or (images, labels, weights). Images have shape
    (batch, *image), and the loss gets embeddings (batch, dimension); or they are pairs (batch, 2, *image), anchors
    first, and the loss gets embeddings (batch, 2, dimension). Labels have shape (batch,) in both cases.

    A loss with variables of its own (`MetricLoss.state`) becomes a part of the model when it is compiled: its weights
    are trained and saved with the model's.

    Metrics see single embeddings with their labels. Retrieval metrics cost too much to be computed after every batch:
    they read NaN on the way, and have their value when the epoch or the evaluation ends. In training, embeddings of an
    epoch come from weights that change; it is the validation's value that says something.

    Args:
        inputs, outputs, name: as `keras.Model`; the output must be (batch, dimension).
    """

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """One step on a batch; loss and metrics by name."""
        images, labels, weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            embeddings = self._embed(images, training=True)
            loss = self.compute_loss(images, labels, embeddings, weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(tape.gradient(scaled, self.trainable_variables), self.trainable_variables)
        if hasattr(self.loss, "enqueue"):
            self.loss.enqueue(labels, embeddings)
        return self._logs(loss, labels, embeddings, weight)

    def test_step(self, data: Any) -> dict[str, Tensor]:
        """Loss and metrics of a batch by name."""
        images, labels, weight = keras.utils.unpack_x_y_sample_weight(data)
        embeddings = self._embed(images, training=False)
        loss = self.compute_loss(images, labels, embeddings, weight, training=False)
        return self._logs(loss, labels, embeddings, weight)

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, **kwargs: Any) -> None:
        """As `keras.Model.compile`, with the loss's variables as a part of the model."""
        if getattr(self, "loss_state", None) is not None:
            self._tracker.untrack(self.loss_state)  # which deleting an attribute does for variables alone
            del self.loss_state
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        state = getattr(loss, "state", None)
        if state is not None:
            self.loss_state = state

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as `get_compile_config` says; called when a file is loaded."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def _embed(self, images: Tensor, training: bool) -> Tensor:
        """Embeddings of single images, (batch, dimension), or of pairs, (batch, 2, dimension)."""
        rank = len(self.input_shape)
        if len(images.shape) == rank:
            return self(images, training=training)
        if len(images.shape) != rank + 1:
            raise ValueError(f"images of shape {tuple(images.shape)} are neither single ones nor pairs of them")
        both = self(ops.reshape(images, (-1, *images.shape[2:])), training=training)
        return ops.reshape(both, (-1, images.shape[1], both.shape[-1]))

    def _logs(self, loss: Tensor, labels: Tensor, embeddings: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
        """Takes a batch into account; results by name, those of retrieval metrics left for later."""
        batch = ops.shape(embeddings)[0]
        self._loss_tracker.update_state(loss, sample_weight=ops.cast(batch, "float32"))
        if self._compile_metrics is not None:
            if len(embeddings.shape) == 3:
                labels, weight = (
                    None if one is None else ops.repeat(ops.reshape(one, (-1,)), embeddings.shape[1])
                    for one in (labels, weight)
                )
                embeddings = ops.reshape(embeddings, (-1, embeddings.shape[-1]))
            self._compile_metrics.update_state(labels, embeddings, weight)
        logs = {}
        for metric in self.metrics:
            for one in getattr(metric, "metrics", None) or [metric]:
                logs[one.name] = (
                    ops.convert_to_tensor(float("nan")) if isinstance(one, RetrievalMetric) else one.result()
                )
        return logs
