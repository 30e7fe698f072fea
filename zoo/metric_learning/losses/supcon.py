"""Supervised contrastive loss."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.pairs import Mined, Tensor, as_pairs, cosines

FAR = -1e9
"""Stands for the logarithm of 0: its exponential is 0 in float32, and differences of it stay finite."""


@keras.saving.register_keras_serializable(package="zoo")
class SupCon(MetricLoss):
    """Supervised contrastive loss, the version with the sum outside of the logarithm.

    For an anchor a with positives P and all its pairs A, the mean over p in P of
    -log(exp(s(a, p) / temperature) / sum over x in A of exp(s(a, x) / temperature)), where s is the cosine.

    Args:
        temperature: above 0; the paper's is 0.1.
        **kwargs: `miner`, `reduction`, `name` and `dtype` of `MetricLoss`.

    Reference:
        Khosla et al. 2020, "Supervised contrastive learning", equation 2. Anchors without a positive contribute 0 and
        are counted, as in the authors' code.
    """

    def __init__(self, temperature: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if temperature <= 0:
            raise ValueError(f"a temperature must be above 0, not {temperature}")
        self.temperature = temperature

    def of_mined(self, embeddings: Tensor, others: Tensor, mined: Mined) -> Tensor:
        """Value of each anchor, (batch,)."""
        positives, negatives = as_pairs(mined)
        logits = cosines(embeddings, others) / self.temperature
        total = ops.logsumexp(ops.where(ops.logical_or(positives, negatives), logits, FAR), axis=1, keepdims=True)
        sums = ops.sum(ops.where(positives, total - logits, 0.0), axis=1)
        count = ops.sum(ops.cast(positives, sums.dtype), axis=1)
        return sums / ops.maximum(count, 1.0)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "temperature": self.temperature}
