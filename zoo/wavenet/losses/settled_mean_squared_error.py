"""What training minimises."""

from typing import Any

import keras
from keras import ops


def settled(y_true: Any, y_pred: Any, receptive_field: int) -> tuple[Any, Any]:
    """The part of target and output that counts: past the receptive field, and the channels that have a target.

    Args:
        y_true: target, (batch, samples, channels).
        y_pred: output of the network, (batch, samples, at least as many channels).
        receptive_field: samples to leave out at the start of every wave.

    Returns:
        Both, as (batch, samples - receptive_field, channels).
    """
    # Not y_true.shape: inside tf_keras' `fit` that is unknown, and a slice up to None would keep every channel.
    *_, samples, channels = ops.shape(y_true)
    if isinstance(samples, int) and samples <= receptive_field:
        raise ValueError(f"waves of {samples} samples have nothing past a receptive field of {receptive_field}")
    return y_true[..., receptive_field:, :], y_pred[..., receptive_field:, :channels]


@keras.saving.register_keras_serializable(package="zoo")
class SettledMeanSquaredError(keras.losses.Loss):
    """Mean squared error of a causal network, past its receptive field.

    The first samples of a window are computed partly from the zeros that stand in for the past. In use that happens
    once, when the power comes on, so they must not pull on the weights. Output channels beyond the target's are
    ignored as well: the FPGA's network has four, because its matrix products are four wide, and one wave.

    Args:
        receptive_field: how many samples at the start of every wave are ignored.
        reduction, name, dtype: as in `keras.losses.Loss`.

    Takes a target of shape (batch, samples, channels) and an output of shape (batch, samples, channels or more); the
    loss before reduction has shape (batch,).
    """

    def __init__(
        self,
        receptive_field: int,
        reduction: str = "sum_over_batch_size",
        name: str = "settled_mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.receptive_field = receptive_field

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Mean squared error of each wave, (batch,)."""
        y_true, y_pred = settled(y_true, y_pred, self.receptive_field)
        return ops.mean(ops.square(y_pred - y_true), axis=(-2, -1))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "receptive_field": self.receptive_field}
