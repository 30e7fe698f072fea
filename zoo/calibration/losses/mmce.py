"""Cross entropy with a penalty on miscalibration, measured with a kernel."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.base import SparseLoss, log_odds_against


@keras.saving.register_keras_serializable(package="zoo")
class MaximumMeanCalibrationError(SparseLoss):
    """Cross entropy plus `weight` times the batch's maximum mean calibration error (MMCE).

    MMCE is the square root of the mean over all pairs (i, j) of a batch, each with itself included, of
    (c_i - r_i) (c_j - r_j) exp(-|r_i - r_j| / width), where r is the confidence, the greatest probability, and c is 1
    where the prediction is right and 0 where not. It is 0 for a batch in which every confidence is the share of right
    predictions among its like.

    Args:
        weight: factor of the penalty, at least 0.
        width: of the Laplacian kernel, above 0.
        **options: `reduction`, `name` and `dtype` of `SparseLoss`.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,): each sample's cross entropy, plus the penalty of the batch, so that their mean is the published
    loss. Sample weights apply to that sum, and not inside the penalty.

    Raises:
        ValueError: a weight or width out of range.

    Reference:
        Kumar, Sarawagi, Jain 2018, "Trainable calibration measures for neural networks from kernel mean embeddings".
    """

    called = "maximum_mean_calibration_error"
    settings = ("weight", "width")

    def __init__(
        self,
        weight: float = 1.0,
        width: float = 0.4,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not (weight >= 0 and width > 0):
            raise ValueError(f"weight {weight} must not be below 0, and width {width} must be above 0")
        self.weight, self.width = float(weight), float(width)

    def of_labels(self, labels: Any, logits: Any) -> Any:
        """The cross entropy of each sample plus the penalty, (batch,)."""
        predicted = ops.cast(ops.argmax(logits, axis=-1), "int32")
        doubt = ops.sigmoid(log_odds_against(predicted, logits))  # 1 - r, without the loss of digits near r = 1
        gap = ops.where(predicted == labels, doubt, doubt - 1.0)
        kernel = ops.exp(-ops.abs(doubt[:, None] - doubt[None, :]) / self.width)
        square = ops.mean(gap[:, None] * gap[None, :] * kernel)
        # All gaps are 0 once the network is right and sure. The root has no slope there; the penalty's is taken as 0.
        positive = square > 0.0
        penalty = ops.where(positive, ops.sqrt(ops.where(positive, square, 1.0)), 0.0)
        return ops.softplus(log_odds_against(labels, logits)) + self.weight * penalty
