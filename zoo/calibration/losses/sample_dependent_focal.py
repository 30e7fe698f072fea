"""The focal loss whose gamma depends on the sample: FLSD-53."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.base import SparseLoss, log_odds_against
from zoo.calibration.losses.focal import focal


@keras.saving.register_keras_serializable(package="zoo")
class SampleDependentFocalLoss(SparseLoss):
    """Focal loss with a greater gamma for labels that the network thinks unlikely. The defaults are FLSD-53.

    Args:
        gamma_low: gamma where the label's probability is below `threshold`.
        gamma_high: gamma elsewhere.
        threshold: a probability, more than 0 and less than 1. The loss jumps there, and the gradient is that of either
            side.
        **options: `reduction`, `name` and `dtype` of `SparseLoss`.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,).

    Raises:
        ValueError: a gamma below 0, or a threshold that is no probability.

    Reference:
        Mukhoti et al. 2020, "Calibrating deep neural networks using focal loss", section 5.
    """

    called = "sample_dependent_focal_loss"
    settings = ("gamma_low", "gamma_high", "threshold")

    def __init__(
        self,
        gamma_low: float = 5.0,
        gamma_high: float = 3.0,
        threshold: float = 0.2,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not (gamma_low >= 0 and gamma_high >= 0):
            raise ValueError(f"gamma_low is {gamma_low} and gamma_high {gamma_high}, but neither must be below 0")
        if not 0 < threshold < 1:
            raise ValueError(f"threshold is {threshold}, but must be between 0 and 1")
        self.gamma_low, self.gamma_high, self.threshold = float(gamma_low), float(gamma_high), float(threshold)

    def of_labels(self, labels: Any, logits: Any) -> Any:
        """The loss of each sample, (batch,)."""
        log_odds = log_odds_against(labels, logits)
        unlikely = ops.sigmoid(-log_odds) < self.threshold
        return focal(log_odds, ops.where(unlikely, self.gamma_low, self.gamma_high))
