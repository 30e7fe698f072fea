"""The negative log-likelihood of the labels."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.base import log_odds_against
from zoo.calibration.metrics.probabilities import ProbabilityMetric, share


@keras.saving.register_keras_serializable(package="zoo")
class NegativeLogLikelihood(ProbabilityMetric):
    """Mean of -log p over the labels' probabilities p, in nats.

    Args:
        from_logits: whether predictions are logits instead of probabilities. Probabilities below `keras.config.epsilon`
            count as that; logits are taken as they are.
        name, dtype: as in `keras.metrics.Metric`.

    Labels (batch,) or (batch, 1), predictions (batch, classes), weights (batch,). Without samples it is 0.
    """

    def __init__(self, from_logits: bool = False, name: str = "nll", dtype: Any = None) -> None:
        super().__init__(from_logits=from_logits, name=name, dtype=dtype)
        self.surprise = self.add_sums("surprise")
        self.total = self.add_sums("total")

    def add(self, labels: Any, predictions: Any, weight: Any) -> None:
        """Adds a batch."""
        if self.from_logits:
            surprise = ops.softplus(log_odds_against(labels, predictions))
        else:
            of_label = ops.take_along_axis(predictions, labels[:, None], axis=-1)[:, 0]
            surprise = -ops.log(ops.maximum(of_label, keras.config.epsilon()))
        self.surprise.assign_add(ops.sum(weight * surprise))
        self.total.assign_add(ops.sum(weight))

    def result(self) -> Any:
        """The mean."""
        return share(self.surprise, self.total)
