"""Semi-hard mining."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.miners.base import Miner
from zoo.metric_learning.pairs import Pairs, Tensor, Triplets, distances


@keras.saving.register_keras_serializable(package="zoo")
class SemiHard(Miner):
    """For each anchor and positive, the nearest of those negatives that lie farther away than the positive.

    Negatives that are closer than the positive are hard, and those beyond the margin teach nothing; in between is
    semi-hard. A pair without such a negative makes no triplet.

    Args:
        margin: above 0; how far beyond the positive a negative may lie. None for any distance.

    Reference:
        Schroff, Kalenichenko, Philbin 2015, "FaceNet".
    """

    def __init__(self, margin: float | None = 0.2) -> None:
        if margin is not None and margin <= 0:
            raise ValueError(f"a margin must be above 0 or None, not {margin}")
        self.margin = margin

    def pick(self, embeddings: Tensor, others: Tensor, candidates: Pairs) -> Triplets:
        """At most one negative for each anchor and positive; of equals the first."""
        apart = ops.stop_gradient(distances(embeddings, others))
        positive, negative = apart[:, :, None], apart[:, None, :]
        fits = ops.logical_and(candidates.positives[:, :, None], candidates.negatives[:, None, :])
        fits = ops.logical_and(fits, negative > positive)
        if self.margin is not None:
            fits = ops.logical_and(fits, negative < positive + self.margin)
        nearest = ops.argmin(ops.where(fits, negative, 4.0), axis=2)  # distances are at most 2
        column = ops.arange(ops.shape(apart)[1])[None, None, :]
        chosen = ops.equal(column, ops.cast(nearest, column.dtype)[:, :, None])
        return Triplets(ops.logical_and(fits, chosen))

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {"margin": self.margin}
