"""The focal loss whose gamma depends on the sample: FLSD-53."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.focal import focal
from zoo.calibration.losses.margin import labels_as_integers, log_odds_against


@keras.saving.register_keras_serializable(package="zoo")
class SampleDependentFocalLoss(keras.losses.Loss):
    """Focal loss with a greater gamma for labels that the network thinks unlikely. The defaults are FLSD-53.

    Args:
        gamma_low: gamma where the label's probability is below `threshold`.
        gamma_high: gamma elsewhere.
        threshold: a probability, more than 0 and less than 1. The loss jumps there, and the gradient is that of either
            side.
        reduction, name, dtype: as in `keras.losses.Loss`.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,).

    Raises:
        ValueError: a gamma below 0, or a threshold that is no probability.

    Reference:
        Mukhoti et al. 2020, "Calibrating deep neural networks using focal loss", section 5.
    """

    def __init__(
        self,
        gamma_low: float = 5.0,
        gamma_high: float = 3.0,
        threshold: float = 0.2,
        reduction: str = "sum_over_batch_size",
        name: str = "sample_dependent_focal_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        if not (gamma_low >= 0 and gamma_high >= 0):
            raise ValueError(f"gamma_low is {gamma_low} and gamma_high {gamma_high}, but neither must be below 0")
        if not 0 < threshold < 1:
            raise ValueError(f"threshold is {threshold}, but must be between 0 and 1")
        self.gamma_low, self.gamma_high, self.threshold = float(gamma_low), float(gamma_high), float(threshold)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample, (batch,)."""
        log_odds = log_odds_against(labels_as_integers(y_true, y_pred), y_pred)
        unlikely = ops.sigmoid(-log_odds) < self.threshold
        return focal(log_odds, ops.where(unlikely, self.gamma_low, self.gamma_high))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        own = {"gamma_low": self.gamma_low, "gamma_high": self.gamma_high, "threshold": self.threshold}
        return {**super().get_config(), **own}
