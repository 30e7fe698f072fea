"""What every loss of this package shares."""

from typing import Any

import keras

from zoo.metric_learning.miners.base import Miner
from zoo.metric_learning.pairs import Mined, Reference, Tensor, all_pairs, class_numbers


class MetricLoss(keras.losses.Loss):
    """A loss over the pairs of a batch: `loss(labels, embeddings)`.

    One convention for all of them:

    - As a Keras loss, `loss(labels, embeddings, sample_weight=None)` compares the batch with itself, on all its pairs
      or on those that `miner` picks, and reduces as any Keras loss does.
    - `loss.on(labels, embeddings, mined=None, reference=None)` gives the value of each anchor, (batch,), on pairs or
      triplets found elsewhere, or against other embeddings than the batch's.

    Embeddings are brought to unit length first. An anchor that has no positive, or no pair at all, contributes 0 and
    is counted in the mean, as in the authors' published code; `AvgNonZeroReducer` of pytorch-metric-learning would
    leave it out.

    A loss that learns or remembers keeps its variables in a Keras layer called `state`; `EmbeddingModel.compile`
    makes it a part of the model, so that optimizer, checkpoints and `.keras` files see it. For another model, assign
    it to any attribute before `compile`: `model.loss_state = loss.state`.

    Args:
        miner: what picks pairs or triplets; None for all pairs.
        reduction, name, dtype: as `keras.losses.Loss`.
    """

    state: keras.layers.Layer | None = None

    def __init__(
        self,
        miner: Miner | None = None,
        *,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.miner = keras.saving.deserialize_keras_object(miner) if isinstance(miner, dict) else miner

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Value of each anchor, (batch,), for labels (batch,) or (batch, 1) and embeddings (batch, dimension)."""
        return self.on(y_true, y_pred, self.miner(y_true, y_pred) if self.miner else None)

    def on(
        self, labels: Tensor, embeddings: Tensor, mined: Mined | None = None, reference: Reference | None = None
    ) -> Tensor:
        """Value of each anchor.

        Args:
            labels: (batch,) class numbers.
            embeddings: (batch, dimension), the anchors.
            mined: the pairs or triplets to look at, as masks over the references; None for all pairs.
            reference: labels and embeddings to compare with; None for the batch itself, without self-pairs.

        Returns:
            (batch,).
        """
        labels = class_numbers(labels)
        if mined is None:
            mined = all_pairs(labels, None if reference is None else reference[0])
        return self.of_mined(embeddings, embeddings if reference is None else reference[1], mined)

    def of_mined(self, embeddings: Tensor, others: Tensor, mined: Mined) -> Tensor:
        """Value of each anchor, (batch,), from anchors, references and what to compare; a subclass's maths."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        miner = keras.saving.serialize_keras_object(self.miner) if self.miner else None
        return {**super().get_config(), "miner": miner}
