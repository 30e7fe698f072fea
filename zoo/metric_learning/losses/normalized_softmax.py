"""Softmax over class proxies."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.losses.proxy_loss import ProxyLoss
from zoo.metric_learning.pairs import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class NormalizedSoftmax(ProxyLoss):
    """Cross entropy of a softmax whose logits are the cosines to one trained proxy for each class / temperature.

    Args:
        classes, dimension, seed: as `ProxyLoss`.
        temperature: above 0; the paper's is 0.05.
        **kwargs: `reduction`, `name` and `dtype` of `MetricLoss`.

    Reference:
        Zhai, Wu 2019, "Classification is a strong baseline for deep metric learning".
    """

    def __init__(self, classes: int, dimension: int, temperature: float = 0.05, **kwargs: Any) -> None:
        super().__init__(classes, dimension, **kwargs)
        if temperature <= 0:
            raise ValueError(f"a temperature must be above 0, not {temperature}")
        self.temperature = temperature

    def of_cosines(self, own: Tensor, cosines: Tensor) -> Tensor:
        """Value of each embedding, (batch,)."""
        # Differences of cosines first: divided by a small temperature, both sides would lose digits in the difference.
        ahead = cosines - ops.sum(ops.where(own, cosines, 0.0), axis=1, keepdims=True)
        return ops.logsumexp(ahead / self.temperature, axis=1)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "temperature": self.temperature}
