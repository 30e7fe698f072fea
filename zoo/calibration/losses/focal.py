"""The focal loss."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.base import SparseLoss, log_odds_against


def focal(log_odds: Any, gamma: Any) -> Any:
    """(1 - p)^gamma * -log p, given log((1 - p) / p); no power is taken, whose slope at 0 is infinite for gamma < 1."""
    return ops.exp(-gamma * ops.softplus(-log_odds)) * ops.softplus(log_odds)


@keras.saving.register_keras_serializable(package="zoo")
class SparseFocalLoss(SparseLoss):
    """Cross entropy in which what is already known counts less: (1 - p)^gamma * -log p for the label's probability p.

    Minimises a bound on cross entropy minus gamma times the entropy of the prediction, so that the network is less
    sure of itself. With gamma 0 it is cross entropy. Value and gradient hold for p from 0 to 1, both ends included.

    Args:
        gamma: at least 0; 1 to 3 are usual.
        **options: `reduction`, `name` and `dtype` of `SparseLoss`.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,).

    Raises:
        ValueError: gamma below 0.

    Reference:
        Lin et al. 2017, "Focal loss for dense object detection"; Mukhoti et al. 2020, "Calibrating deep neural
        networks using focal loss".
    """

    called = "sparse_focal_loss"
    settings = ("gamma",)

    def __init__(
        self,
        gamma: float = 2.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not gamma >= 0:
            raise ValueError(f"gamma is {gamma}, but must not be below 0")
        self.gamma = float(gamma)

    def of_labels(self, labels: Any, logits: Any) -> Any:
        """The loss of each sample, (batch,)."""
        return focal(log_odds_against(labels, logits), self.gamma)
