"""Label smoothing for integer labels."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.margin import labels_as_integers, log_odds_against


@keras.saving.register_keras_serializable(package="zoo")
class SparseLabelSmoothing(keras.losses.Loss):
    """Cross entropy against labels of which a share is spread evenly over all classes.

    Args:
        smoothing: the share, from 0 (plain cross entropy) to 1.
        reduction, name, dtype: as in `keras.losses.Loss`.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,).

    Raises:
        ValueError: a share that is none.

    Reference:
        Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision".
    """

    def __init__(
        self,
        smoothing: float = 0.05,
        reduction: str = "sum_over_batch_size",
        name: str = "sparse_label_smoothing",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        if not 0 <= smoothing <= 1:
            raise ValueError(f"smoothing is {smoothing}, but must be from 0 to 1")
        self.smoothing = float(smoothing)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample, (batch,)."""
        of_label = ops.softplus(log_odds_against(labels_as_integers(y_true, y_pred), y_pred))
        of_all = -ops.mean(ops.log_softmax(y_pred, axis=-1), axis=-1)
        return (1.0 - self.smoothing) * of_label + self.smoothing * of_all

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "smoothing": self.smoothing}
