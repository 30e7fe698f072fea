"""The filter as it was published, for reference."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.kalman.cell import (
    ACCELERATION_NOISE,
    AXES,
    MEASUREMENT_NOISE,
    SIZE,
    TIME_STEP,
    moving,
    pushed,
)

Tensor = Any


@keras.saving.register_keras_serializable(package="zoo")
class PublishedCell(keras.layers.Layer):
    """A Kalman filter whose state has two columns, of which row 0 is read.

    A measurement (2,) minus an expectation (2, 1) is (2, 2), by broadcasting: so the state becomes (4, 2), and its
    column j is a filter that takes number j of the measurement for both x and y. Row 0, x of both columns, is read as
    x and y. So both are filtered with the gain of the x axis; nothing that is read depends on the noise of the y
    measurement, and its gradient is exactly 0. That is why it did not move in training. `KalmanCell` has one state for
    each axis.

    A missing observation is replaced by its expectation, which is then taken for seen.

    Input, output: as `KalmanCell`. States: (batch, 8) and covariance (batch, 16), row by row.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state_size, self.output_size = [SIZE * AXES, SIZE * SIZE], AXES

    def build(self, input_shape: Any) -> None:
        """Logarithms of time step, acceleration noise, and measurement noise on both axes, each by itself."""
        begins = {
            "log_time_step": TIME_STEP,
            "log_acceleration_noise": ACCELERATION_NOISE,
            "log_x_noise": MEASUREMENT_NOISE,
            "log_y_noise": MEASUREMENT_NOISE,
        }
        for name, value in begins.items():
            begin = keras.initializers.Constant(float(np.log(value)))
            setattr(self, name, self.add_weight(shape=(), initializer=begin, name=name))

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros, and the identity."""
        covariance = ops.reshape(ops.eye(SIZE, dtype=self.compute_dtype), (1, -1))
        return [ops.zeros((batch_size, SIZE * AXES), self.compute_dtype), ops.tile(covariance, (batch_size, 1))]

    def call(self, inputs: Tensor, states: list[Tensor], training: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Expected position (batch, 2), and the states after the inputs (batch, 3)."""
        step = ops.exp(self.log_time_step)
        transition, push = moving(step), ops.exp(self.log_acceleration_noise) * pushed(step)
        state = ops.matmul(transition, ops.reshape(states[0], (-1, SIZE, AXES)))
        covariance = ops.matmul(
            ops.matmul(transition, ops.reshape(states[1], (-1, SIZE, SIZE))), ops.transpose(transition)
        )
        covariance = covariance + ops.matmul(push, ops.transpose(push))
        expected = state[:, 0]
        seen = inputs[:, AXES:]
        measured = inputs[:, :AXES] * seen + expected * (1.0 - seen)
        surprise = measured[:, None, :] - state[:, :AXES]  # (2) - (2, 2): each column sees one number twice
        noise = ops.diag(ops.stack([ops.exp(2.0 * log) for log in (self.log_x_noise, self.log_y_noise)]))
        gain = ops.matmul(covariance[:, :, :AXES], ops.inv(covariance[:, :AXES, :AXES] + noise))
        state = state + ops.matmul(gain, surprise)
        covariance = covariance - ops.matmul(gain, covariance[:, :AXES])
        return expected, [ops.reshape(state, (-1, SIZE * AXES)), ops.reshape(covariance, (-1, SIZE * SIZE))]
