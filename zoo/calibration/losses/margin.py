"""The one number that every loss here is a function of."""

from typing import Any

from keras import ops


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
