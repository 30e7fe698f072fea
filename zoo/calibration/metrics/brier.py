"""The Brier score."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.metrics.probabilities import SUMS, ProbabilityMetric, share


@keras.saving.register_keras_serializable(package="zoo")
class BrierScore(ProbabilityMetric):
    """Squared distance between the probabilities and the one-hot label, summed over classes: from 0 to 2.

    Args:
        from_logits: whether predictions are logits instead of probabilities.
        name, dtype: as in `keras.metrics.Metric`.

    Labels (batch,) or (batch, 1), predictions (batch, classes), weights (batch,). Without samples it is 0.

    Reference:
        Brier 1950, "Verification of forecasts expressed in terms of probability".
    """

    def __init__(self, from_logits: bool = False, name: str = "brier", dtype: Any = None) -> None:
        super().__init__(from_logits=from_logits, name=name, dtype=dtype)
        self.score = self.add_sums("score")
        self.total = self.add_sums("total")

    def add(self, labels: Any, predictions: Any, weight: Any) -> None:
        """Adds a batch."""
        wanted = ops.one_hot(labels, predictions.shape[-1], dtype=SUMS)
        distances = ops.sum(ops.square(self.probabilities(predictions) - wanted), axis=-1)
        self.score.assign_add(ops.sum(weight * distances))
        self.total.assign_add(ops.sum(weight))

    def result(self) -> Any:
        """The mean."""
        return share(self.score, self.total)
