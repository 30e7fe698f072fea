"""What every loss here shares: integer labels, logits, and the one number that it is a function of."""

from typing import Any, ClassVar

import keras
from keras import ops


class SparseLoss(keras.losses.Loss):
    """A loss of integer labels and logits.

    Takes labels of shape (batch,) or (batch, 1) and logits of shape (batch, classes); the loss before reduction has
    shape (batch,).

    Args:
        reduction, name, dtype: as in `keras.losses.Loss`; without a name, the class's own.
    """

    called: ClassVar[str]
    """The name of a loss that is given none."""

    settings: ClassVar[tuple[str, ...]]
    """The constructor's own arguments, which are attributes too."""

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None, dtype: Any = None) -> None:
        super().__init__(reduction=reduction, name=name or self.called, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample, (batch,)."""
        return self.of_labels(labels_as_integers(y_true, y_pred), y_pred)

    def of_labels(self, labels: Any, logits: Any) -> Any:
        """The loss of each sample, (batch,), for labels (batch,), int32; a subclass's maths."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self.settings}}


def labels_as_integers(y_true: Any, y_pred: Any) -> Any:
    """Labels, (batch,) or (batch, 1) of any type, as int32 (batch,)."""
    if len(y_true.shape) == len(y_pred.shape):
        y_true = ops.squeeze(y_true, axis=-1)
    return ops.cast(y_true, "int32")


def log_odds_against(y_true: Any, y_pred: Any) -> Any:
    """log((1 - p) / p) for the probability p of each sample's label, (batch,): the log-sum-exp of how far the other
    logits are above the label's.

    1 - p is its sigmoid and -log p its softplus, and both are exact to a few ulp wherever p is, 0 and 1 included;
    computed from p itself, 1 - p would be 0 for every p above 1 - 3e-8, and its logarithm and gradients with it.

    Args:
        y_true: int32 labels, (batch,).
        y_pred: logits, (batch, classes), at least two classes.
    """
    classes = y_pred.shape[-1]
    own = ops.one_hot(y_true, classes, dtype="bool")
    label = ops.take_along_axis(y_pred, y_true[:, None], axis=-1)
    return ops.logsumexp(ops.where(own, -float("inf"), y_pred - label), axis=-1)
