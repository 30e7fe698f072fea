"""Proxy-anchor loss."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.losses.proxy_loss import ProxyLoss
from zoo.metric_learning.losses.supcon import FAR
from zoo.metric_learning.pairs import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class ProxyAnchor(ProxyLoss):
    """Proxy-anchor loss: each class's trained proxy is an anchor, and pulls and pushes the whole batch.

    With cosines s, the mean over the proxies that have positives in the batch of
    log(1 + sum over those of exp(-alpha (s - margin))), plus the mean over all proxies of
    log(1 + sum over the negatives of exp(alpha (s + margin))).

    That is a sum over proxies and not over samples. The value of a sample is its equal share of each term that it is
    in, times the batch size, so that the mean over the batch is the paper's loss and the gradients are the paper's.

    Args:
        classes, dimension, seed: as `ProxyLoss`.
        margin: the paper's delta.
        alpha: above 0, the sharpness.
        **kwargs: `reduction`, `name` and `dtype` of `MetricLoss`.

    Reference:
        Kim, Kim, Cho, Kwak 2020, "Proxy anchor loss for deep metric learning", equation 4.
    """

    def __init__(self, classes: int, dimension: int, margin: float = 0.1, alpha: float = 32.0, **kwargs: Any) -> None:
        super().__init__(classes, dimension, **kwargs)
        if alpha <= 0:
            raise ValueError(f"alpha must be above 0, not {alpha}")
        self.margin, self.alpha = margin, alpha

    def of_cosines(self, own: Tensor, cosines: Tensor) -> Tensor:
        """Value of each embedding, (batch,)."""
        kind = cosines.dtype
        batch = ops.cast(ops.shape(cosines)[0], kind)
        present = ops.sum(ops.cast(ops.any(own, axis=0), kind))
        pulled = _shares(-self.alpha * (cosines - self.margin), own) / ops.maximum(present, 1.0)
        pushed = _shares(self.alpha * (cosines + self.margin), ops.logical_not(own)) / self.state.classes
        return batch * (pulled + pushed)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "margin": self.margin, "alpha": self.alpha}


def _shares(exponents: Tensor, mask: Tensor) -> Tensor:
    """log(1 + sum of exp) over each column's masked entries, divided equally among their rows: (batch,)."""
    terms = ops.logsumexp(ops.pad(ops.where(mask, exponents, FAR), [[1, 0], [0, 0]]), axis=0)
    inside = ops.cast(mask, terms.dtype)
    share = terms / ops.maximum(ops.sum(inside, axis=0), 1.0)
    return ops.sum(inside * share, axis=1)
