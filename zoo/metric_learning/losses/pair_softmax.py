"""Softmax over the positives of a batch of pairs."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.losses.supcon import FAR
from zoo.metric_learning.pairs import Mined, Reference, Tensor, class_numbers, cosines


@keras.saving.register_keras_serializable(package="zoo")
class PairSoftmax(MetricLoss):
    """Which of all positives is mine? Cross entropy over the similarities of an anchor to every positive of the batch.

    Logits are cosine / temperature, and the right answer is the diagonal. A batch is meant to hold one pair for each
    class; where a class comes twice, its other positives are neither right nor wrong and are left out.

    As a Keras loss it takes what `EmbeddingModel` makes of a batch of pairs: labels (pairs,) and embeddings
    (pairs, 2, dimension), anchors first. `on` takes anchors and, as `reference`, their positives in the same order.

    Args:
        temperature: above 0.
        **kwargs: `reduction`, `name` and `dtype` of `MetricLoss`. The pairs are given, so there is nothing to mine.

    Reference:
        keras.io, "Metric learning for image similarity search"; Sohn 2016, "Improved deep metric learning with
        multi-class N-pair loss objective".
    """

    def __init__(self, temperature: float = 0.2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if temperature <= 0:
            raise ValueError(f"a temperature must be above 0, not {temperature}")
        if self.miner is not None:
            raise ValueError("the batch says which pairs there are, so there is nothing for a miner to do")
        self.temperature = temperature

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Value of each pair, (pairs,), for labels (pairs,) and embeddings (pairs, 2, dimension)."""
        if len(y_pred.shape) != 3 or y_pred.shape[1] != 2:
            raise ValueError(f"embeddings of pairs have shape (pairs, 2, dimension), not {tuple(y_pred.shape)}")
        return self.on(y_true, y_pred[:, 0], reference=Reference(y_true, y_pred[:, 1]))

    def on(
        self, labels: Tensor, embeddings: Tensor, mined: Mined | None = None, reference: Reference | None = None
    ) -> Tensor:
        """Value of each anchor, (pairs,).

        Args:
            labels: (pairs,) class numbers.
            embeddings: (pairs, dimension), the anchors.
            mined: nothing else than None.
            reference: labels and embeddings of the positives, in the anchors' order.

        Raises:
            ValueError: mined pairs, or no positives.
        """
        if mined is not None or reference is None:
            raise ValueError("the pairs are anchor i and reference i: give the positives as reference, and none mined")
        labels, others = class_numbers(labels), class_numbers(reference[0])
        number = ops.arange(ops.shape(labels)[0])
        own = ops.equal(number[:, None], number[None, :])
        asked = ops.logical_or(own, ops.not_equal(labels[:, None], others[None, :]))
        similar = cosines(embeddings, reference[1])
        ahead = similar - ops.sum(ops.where(own, similar, 0.0), axis=1, keepdims=True)
        return ops.logsumexp(ops.where(asked, ahead / self.temperature, FAR), axis=1)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        config = super().get_config()
        del config["miner"]
        return {**config, "temperature": self.temperature}
