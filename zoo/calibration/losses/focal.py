"""The focal loss."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.margin import labels_as_integers, log_odds_against


def focal(log_odds: Any, gamma: Any) -> Any:
    """(1 - p)^gamma * -log p, given log((1 - p) / p); no power is taken, whose slope at 0 is infinite for gamma < 1."""
    return ops.exp(-gamma * ops.softplus(-log_odds)) * ops.softplus(log_odds)


@keras.saving.register_keras_serializable(package="zoo")
class SparseFocalLoss(keras.losses.Loss):
    """Cross entropy in which what is already known counts less: (1 - p)^gamma * -log p for the label's probability p.

    Minimises a bound on cross entropy minus gamma times the entropy of the prediction, so that the network is less
    sure of itself. With gamma 0 it is cross entropy. Value and gradient hold for p from 0 to 1, both ends included.

    Args:
        gamma: at least 0; 1 to 3 are usual.
        reduction, name, dtype: as in `keras.losses.Loss`.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,).

    Raises:
        ValueError: gamma below 0.

    Reference:
        Lin et al. 2017, "Focal loss for dense object detection"; Mukhoti et al. 2020, "Calibrating deep neural
        networks using focal loss".
    """

    def __init__(
        self,
        gamma: float = 2.0,
        reduction: str = "sum_over_batch_size",
        name: str = "sparse_focal_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        if not gamma >= 0:
            raise ValueError(f"gamma is {gamma}, but must not be below 0")
        self.gamma = float(gamma)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample, (batch,)."""
        return focal(log_odds_against(labels_as_integers(y_true, y_pred), y_pred), self.gamma)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "gamma": self.gamma}
