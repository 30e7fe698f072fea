"""What training shows."""

from typing import Any

import keras
from keras import ops

from zoo.wavenet.losses.settled_mean_squared_error import settled


@keras.saving.register_keras_serializable(package="zoo")
class ErrorDecibels(keras.metrics.Metric):
    """Power of the error over power of the target, past the receptive field, in decibels.

    0 dB is what silence scores, -20 dB an error of a tenth of the wave's amplitude; lower is better. The two powers
    are summed over everything seen since the last reset and divided only then, so that the size of a batch does not
    matter.

    Args:
        receptive_field: how many samples at the start of every wave are ignored.
        name, dtype: as in `keras.metrics.Metric`.

    Takes a target of shape (batch, samples, channels), an output of shape (batch, samples, channels or more), and
    optionally weights for the waves, (batch,), or for every sample, (batch, samples).
    """

    def __init__(self, receptive_field: int, name: str = "error_db", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.receptive_field = receptive_field
        self.error = self.add_weight(name="error", initializer="zeros")
        self.power = self.add_weight(name="power", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch."""
        y_true, y_pred = ops.convert_to_tensor(y_true, self.dtype), ops.convert_to_tensor(y_pred, self.dtype)
        y_true, y_pred = settled(y_true, y_pred, self.receptive_field)
        error, power = ops.square(y_pred - y_true), ops.square(y_true)
        if sample_weight is not None:
            weight = ops.convert_to_tensor(sample_weight, self.dtype)
            weight = weight[:, None, None] if len(weight.shape) == 1 else weight[:, self.receptive_field :, None]
            error, power = error * weight, power * weight
        self.error.assign_add(ops.sum(error))
        self.power.assign_add(ops.sum(power))

    def result(self) -> Any:
        """Decibels; 0 before the first batch."""
        tiny = keras.config.epsilon() ** 2
        return 10.0 * (ops.log10(self.error + tiny) - ops.log10(self.power + tiny))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "receptive_field": self.receptive_field}
