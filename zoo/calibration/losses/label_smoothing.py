"""Label smoothing for integer labels."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.base import SparseLoss, log_odds_against


@keras.saving.register_keras_serializable(package="zoo")
class SparseLabelSmoothing(SparseLoss):
    """Cross entropy against labels of which a share is spread evenly over all classes.

    Args:
        smoothing: the share, from 0 (plain cross entropy) to 1.
        **options: `reduction`, `name` and `dtype` of `SparseLoss`.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,).

    Raises:
        ValueError: a share that is none.

    Reference:
        Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision".
    """

    called = "sparse_label_smoothing"
    settings = ("smoothing",)

    def __init__(
        self,
        smoothing: float = 0.05,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not 0 <= smoothing <= 1:
            raise ValueError(f"smoothing is {smoothing}, but must be from 0 to 1")
        self.smoothing = float(smoothing)

    def of_labels(self, labels: Any, logits: Any) -> Any:
        """The loss of each sample, (batch,)."""
        of_label = ops.softplus(log_odds_against(labels, logits))
        of_all = -ops.mean(ops.log_softmax(logits, axis=-1), axis=-1)
        return (1.0 - self.smoothing) * of_label + self.smoothing * of_all
