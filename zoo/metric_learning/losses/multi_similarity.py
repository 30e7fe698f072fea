"""Multi-similarity loss."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.losses.supcon import FAR
from zoo.metric_learning.pairs import Mined, Tensor, as_pairs, cosines


@keras.saving.register_keras_serializable(package="zoo")
class MultiSimilarity(MetricLoss):
    """Multi-similarity loss: a soft maximum over the positives that are too far and the negatives that are too close.

    For an anchor with cosines s_p to its positives and s_n to its negatives,
    log(1 + sum exp(-alpha (s_p - base))) / alpha + log(1 + sum exp(beta (s_n - base))) / beta.
    Usually with `MultiSimilarityMiner`, without which it is the paper's equation 10 on all pairs.

    Args:
        alpha, beta: sharpness for positives and for negatives, above 0.
        base: the cosine at which a pair begins to matter.
        **kwargs: `miner`, `reduction`, `name` and `dtype` of `MetricLoss`.

    Reference:
        Wang, Han, Huang, Dong, Scott 2019, "Multi-similarity loss with general pair weighting for deep metric
        learning". An anchor that lacks positives or lacks negatives contributes 0 and is counted, as in the authors'
        code.
    """

    def __init__(self, alpha: float = 2.0, beta: float = 50.0, base: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if alpha <= 0 or beta <= 0:
            raise ValueError(f"alpha and beta must be above 0, not {alpha} and {beta}")
        self.alpha, self.beta, self.base = alpha, beta, base

    def of_mined(self, embeddings: Tensor, others: Tensor, mined: Mined) -> Tensor:
        """Value of each anchor, (batch,)."""
        positives, negatives = as_pairs(mined)
        above = cosines(embeddings, others) - self.base
        pull = _log_one_plus_sum(-self.alpha * above, positives) / self.alpha
        push = _log_one_plus_sum(self.beta * above, negatives) / self.beta
        both = ops.logical_and(ops.any(positives, axis=1), ops.any(negatives, axis=1))
        return ops.where(both, pull + push, 0.0)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta, "base": self.base}


def _log_one_plus_sum(exponents: Tensor, mask: Tensor) -> Tensor:
    """log(1 + the sum of exp over the masked entries of each row), without overflow."""
    kept = ops.where(mask, exponents, FAR)
    return ops.logsumexp(ops.pad(kept, [[0, 0], [1, 0]]), axis=1)
