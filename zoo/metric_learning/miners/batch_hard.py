"""Batch-hard mining."""

import keras
from keras import ops

from zoo.metric_learning.miners.base import Miner
from zoo.metric_learning.pairs import Pairs, Tensor, cosines


@keras.saving.register_keras_serializable(package="zoo")
class BatchHard(Miner):
    """For each anchor its farthest positive and its nearest negative, if it has both.

    Reference:
        Hermans, Beyer, Leibe 2017, "In defense of the triplet loss for person re-identification".
    """

    def pick(self, embeddings: Tensor, others: Tensor, candidates: Pairs) -> Pairs:
        """At most one positive and one negative in each row; of equals the first."""
        similar = ops.stop_gradient(cosines(embeddings, others))
        both = ops.logical_and(ops.any(candidates.positives, axis=1), ops.any(candidates.negatives, axis=1))[:, None]
        column = ops.arange(ops.shape(similar)[1])[None, :]
        # Cosines lie within -1..1, so 2 and -2 are never chosen where there is anything to choose.
        farthest = ops.argmin(ops.where(candidates.positives, similar, 2.0), axis=1)
        nearest = ops.argmax(ops.where(candidates.negatives, similar, -2.0), axis=1)
        return Pairs(
            ops.logical_and(both, ops.equal(column, ops.cast(farthest, column.dtype)[:, None])),
            ops.logical_and(both, ops.equal(column, ops.cast(nearest, column.dtype)[:, None])),
        )
