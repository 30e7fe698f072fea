"""Loss and metric once more, for tf_keras: its `fit` takes no loss and no metric of Keras 3. Thin on purpose."""

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from zoo.wavenet.losses.settled_mean_squared_error import settled


@tf_keras.saving.register_keras_serializable(package="zoo")
class LegacySettledMeanSquaredError(tf_keras.losses.Loss):
    """`SettledMeanSquaredError` for tf_keras; shapes and arguments as there."""

    def __init__(
        self,
        receptive_field: int,
        reduction: str = "auto",
        name: str = "settled_mean_squared_error",
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.receptive_field = receptive_field

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Mean squared error of each wave, (batch,)."""
        y_true, y_pred = settled(tf.cast(y_true, y_pred.dtype), y_pred, self.receptive_field)
        return tf.reduce_mean(tf.square(y_pred - y_true), axis=(-2, -1))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "receptive_field": self.receptive_field}


@tf_keras.saving.register_keras_serializable(package="zoo")
class LegacyErrorDecibels(tf_keras.metrics.Metric):
    """`ErrorDecibels` for tf_keras, without weights for single samples; shapes and arguments as there."""

    def __init__(self, receptive_field: int, name: str = "error_db", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.receptive_field = receptive_field
        self.error = self.add_weight(name="error", initializer="zeros")
        self.power = self.add_weight(name="power", initializer="zeros")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None) -> None:
        """Adds a batch."""
        y_true, y_pred = settled(tf.cast(y_true, self.dtype), tf.cast(y_pred, self.dtype), self.receptive_field)
        weight = 1.0 if sample_weight is None else tf.cast(sample_weight, self.dtype)[:, None, None]
        self.error.assign_add(tf.reduce_sum(weight * tf.square(y_pred - y_true)))
        self.power.assign_add(tf.reduce_sum(weight * tf.square(y_true)))

    def result(self) -> tf.Tensor:
        """Decibels; 0 before the first batch."""
        tiny = tf_keras.backend.epsilon() ** 2
        return 10.0 * (tf.math.log(self.error + tiny) - tf.math.log(self.power + tiny)) / np.log(10.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "receptive_field": self.receptive_field}
