"""Triplet loss."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.pairs import Mined, Tensor, as_triplets, distances


@keras.saving.register_keras_serializable(package="zoo")
class Triplet(MetricLoss):
    """Triplet loss on Euclidean distances between embeddings of unit length.

    Of each triplet max(0, d(a, p) - d(a, n) + margin), or log(1 + exp(d(a, p) - d(a, n))) with a soft margin; an
    anchor's value is the mean over its triplets. Which triplets those are is up to the miner: all of them by default,
    one for each anchor with `BatchHard`.

    All triplets of a batch of n take n^3 numbers.

    Args:
        margin: above 0, or "soft".
        active_only: take the mean over those triplets alone whose loss is not 0, the paper's "batch all, not zero".
        **kwargs: `miner`, `reduction`, `name` and `dtype` of `MetricLoss`.

    Reference:
        Schroff, Kalenichenko, Philbin 2015, "FaceNet"; Hermans, Beyer, Leibe 2017, "In defense of the triplet loss for
        person re-identification". Anchors without a triplet contribute 0 and are counted.
    """

    def __init__(self, margin: float | str = 0.2, active_only: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if margin != "soft" and (isinstance(margin, str) or margin <= 0):
            raise ValueError(f"a margin must be above 0 or 'soft', not {margin!r}")
        self.margin = margin
        self.active_only = active_only

    def of_mined(self, embeddings: Tensor, others: Tensor, mined: Mined) -> Tensor:
        """Value of each anchor, (batch,)."""
        mask = as_triplets(mined).mask
        apart = distances(embeddings, others)
        difference = apart[:, :, None] - apart[:, None, :]
        losses = ops.softplus(difference) if self.margin == "soft" else ops.relu(difference + self.margin)
        losses = ops.where(mask, losses, 0.0)
        counted = losses > 0 if self.active_only else mask
        return ops.sum(losses, axis=(1, 2)) / ops.maximum(ops.sum(ops.cast(counted, losses.dtype), axis=(1, 2)), 1.0)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "margin": self.margin, "active_only": self.active_only}
