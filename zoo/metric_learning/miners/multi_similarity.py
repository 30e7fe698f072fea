"""Multi-similarity mining."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.miners.base import Miner
from zoo.metric_learning.pairs import Pairs, Tensor, cosines


@keras.saving.register_keras_serializable(package="zoo")
class MultiSimilarityMiner(Miner):
    """Negatives that are more similar than the worst positive, and positives less similar than the best negative.

    Args:
        epsilon: how much a cosine may miss that and still be picked.

    Reference:
        Wang et al. 2019, "Multi-similarity loss with general pair weighting for deep metric learning", equations 7, 8.
    """

    def __init__(self, epsilon: float = 0.1) -> None:
        self.epsilon = epsilon

    def pick(self, embeddings: Tensor, others: Tensor, candidates: Pairs) -> Pairs:
        """The informative pairs. An anchor without positives picks no negatives, and the other way round."""
        similar = ops.stop_gradient(cosines(embeddings, others))
        # Beyond what a cosine and any sensible epsilon reach, so that nothing is picked where there is no other side.
        worst = ops.min(ops.where(candidates.positives, similar, 1e9), axis=1, keepdims=True)
        best = ops.max(ops.where(candidates.negatives, similar, -1e9), axis=1, keepdims=True)
        return Pairs(
            ops.logical_and(candidates.positives, similar - self.epsilon < best),
            ops.logical_and(candidates.negatives, similar + self.epsilon > worst),
        )

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {"epsilon": self.epsilon}
