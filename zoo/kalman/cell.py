"""A Kalman filter as the cell of a recurrent layer, so that `fit` tunes it."""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

Tensor = Any

TIME_STEP, ACCELERATION_NOISE, MEASUREMENT_NOISE = 1.0, 1.0, 0.1
"""What a filter begins with: a step, lengths a step squared, lengths."""

SIZE, AXES = 4, 2
"""Of the state: x, y, and the speeds of both; and of an observation."""


def moving(step: Tensor) -> Tensor:
    """The transition (4, 4) of constant speed over a time step, ()."""
    return ops.eye(SIZE, dtype=step.dtype) + step * ops.eye(SIZE, k=AXES, dtype=step.dtype)


def pushed(step: Tensor) -> Tensor:
    """What an acceleration along each axis does to a state within a time step: (4, 2)."""
    axes = ops.eye(AXES, dtype=step.dtype)
    return ops.concatenate([0.5 * step * step * axes, step * axes], axis=0)


@keras.saving.register_keras_serializable(package="zoo")
class KalmanCell(keras.layers.Layer):
    """One step of a Kalman filter for a thing that moves in a plane, for `keras.layers.RNN`.

    Input: x, y, and 1 where they were seen, else 0: (batch, 3). Output: where the thing was expected before it was
    seen, (batch, 2). States: mean, (batch, 4), of x, y, and their speeds; and covariance, row by row, (batch, 16).

    All noise is positive, whatever the weights: deviations are exponentials, matrices products L L^T whose L has
    exponentials on its diagonal. The covariance is corrected in Joseph's form, in which rounding cannot make it
    negative.

    Args:
        parameters: "scalar": time step, deviation of the acceleration, and deviation of the measurement on each axis;
            "matrix": the whole transition (4, 4), and the covariances of the process (4, 4) and the measurement (2, 2).
        acceleration: whether a constant acceleration, (2,), is learnt too.
        learn_start: whether the mean and the covariance at the start are learnt, instead of 0 and the identity.
        missing: what becomes of an observation that is missing: "skip", neither mean nor covariance are corrected;
            "feed_back", the expectation counts as if it had been seen, so that the filter becomes too sure of it.
        **kwargs: as `keras.layers.Layer`.

    Raises:
        ValueError: `parameters` or `missing` are none of these.

    References:
        Kalman 1960, "A new approach to linear filtering and prediction problems". Bucy, Joseph 1968, "Filtering for
        stochastic processes with applications to guidance".
    """

    def __init__(
        self,
        *,
        parameters: Literal["scalar", "matrix"] = "scalar",
        acceleration: bool = False,
        learn_start: bool = False,
        missing: Literal["skip", "feed_back"] = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for value, choices in ((parameters, ("scalar", "matrix")), (missing, ("skip", "feed_back"))):
            if value not in choices:
                raise ValueError(f"{value!r} is neither {choices[0]!r} nor {choices[1]!r}")
        self.parameters, self.acceleration = parameters, acceleration
        self.learn_start, self.missing = learn_start, missing
        self.state_size, self.output_size = [SIZE, SIZE * SIZE], AXES

    def build(self, input_shape: Any) -> None:
        """Weights, at what `TIME_STEP` and the others say."""
        if input_shape[-1] != AXES + 1:
            raise ValueError(f"a filter is given x, y and whether they were seen, not {input_shape[-1]} numbers")
        if self.parameters == "scalar":
            self.log_time_step = self._weight("log_time_step", np.log(TIME_STEP))
            self.log_acceleration_noise = self._weight("log_acceleration_noise", np.log(ACCELERATION_NOISE))
            self.log_measurement_noise = self._weight("log_measurement_noise", np.log([MEASUREMENT_NOISE] * AXES))
        else:
            push = ops.convert_to_numpy(pushed(ops.convert_to_tensor(TIME_STEP))) * ACCELERATION_NOISE
            self.transition = self._weight("transition", np.eye(SIZE) + TIME_STEP * np.eye(SIZE, k=AXES))
            process = push @ push.T + MEASUREMENT_NOISE**2 * np.eye(SIZE)
            self.process_factor = self._weight("process_factor", _log_factor(process))
            self.measurement_factor = self._weight("measurement_factor", np.log(MEASUREMENT_NOISE) * np.eye(AXES))
        if self.acceleration:
            self.constant_acceleration = self._weight("constant_acceleration", np.zeros(AXES))
        if self.learn_start:
            self.start_mean = self._weight("start_mean", np.zeros(SIZE))
            self.start_factor = self._weight("start_factor", np.zeros((SIZE, SIZE)))

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Mean (batch, 4) and covariance (batch, 16) before the first step."""
        mean, covariance = ops.zeros((SIZE,), self.compute_dtype), ops.eye(SIZE, dtype=self.compute_dtype)
        if self.learn_start:
            mean, covariance = ops.convert_to_tensor(self.start_mean), _positive(self.start_factor)
        return [ops.tile(ops.reshape(value, (1, -1)), (batch_size, 1)) for value in (mean, covariance)]

    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """Transition (4, 4), covariance of the process (4, 4), covariance of the measurement (2, 2)."""
        if self.parameters == "matrix":
            return (
                ops.convert_to_tensor(self.transition),
                _positive(self.process_factor),
                _positive(self.measurement_factor),
            )
        step = ops.exp(self.log_time_step)
        push = ops.exp(self.log_acceleration_noise) * pushed(step)
        noise = ops.exp(2.0 * self.log_measurement_noise)
        return moving(step), ops.matmul(push, ops.transpose(push)), ops.diag(noise)

    def expect(self, mean: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (batch, 4) and covariance (batch, 4, 4) one step later, before anything is seen."""
        transition, process, _ = self.matrices()
        mean = ops.matmul(mean, ops.transpose(transition))
        if self.acceleration:
            step = ops.exp(self.log_time_step) if self.parameters == "scalar" else ops.cast(TIME_STEP, mean.dtype)
            mean = mean + ops.matmul(pushed(step), self.constant_acceleration[:, None])[:, 0]
        return mean, ops.matmul(ops.matmul(transition, covariance), ops.transpose(transition)) + process

    def correct(self, mean: Tensor, covariance: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (batch, 4) and covariance (batch, 4, 4) after the inputs (batch, 3) have been seen."""
        measurement = self.matrices()[2]
        seen = inputs[:, AXES:]
        surprise = (inputs[:, :AXES] - mean[:, :AXES]) * seen
        gain = ops.matmul(covariance[:, :, :AXES], _inverse(covariance[:, :AXES, :AXES] + measurement))
        if self.missing == "skip":
            gain = gain * seen[:, :, None]
        mean = mean + ops.matmul(gain, surprise[:, :, None])[:, :, 0]
        rest = ops.eye(SIZE, dtype=mean.dtype) - ops.pad(gain, [[0, 0], [0, 0], [0, SIZE - AXES]])
        covariance = ops.matmul(ops.matmul(rest, covariance), ops.swapaxes(rest, 1, 2))
        covariance = covariance + ops.matmul(ops.matmul(gain, measurement), ops.swapaxes(gain, 1, 2))
        return mean, 0.5 * (covariance + ops.swapaxes(covariance, 1, 2))

    def call(self, inputs: Tensor, states: list[Tensor], training: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Expected position (batch, 2), and the states after the inputs (batch, 3) have been seen."""
        mean, covariance = states
        mean, covariance = self.expect(mean, ops.reshape(covariance, (-1, SIZE, SIZE)))
        after, covariance = self.correct(mean, covariance, inputs)
        return mean[:, :AXES], [after, ops.reshape(covariance, (-1, SIZE * SIZE))]

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        names = ("parameters", "acceleration", "learn_start", "missing")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _weight(self, name: str, value: Any) -> keras.Variable:
        value = np.asarray(value, np.float32)
        return self.add_weight(
            shape=value.shape, initializer=lambda shape, dtype=None: ops.convert_to_tensor(value, dtype), name=name
        )


def _log_factor(covariance: np.ndarray) -> np.ndarray:
    """What `_positive` makes a covariance (n, n) of."""
    factor = np.linalg.cholesky(covariance)
    return np.tril(factor, -1) + np.diag(np.log(np.diag(factor)))


def _positive(weights: Tensor) -> Tensor:
    """L L^T, (n, n): L has the weights below its diagonal, and on it their exponentials."""
    factor = ops.tril(weights, -1) + ops.diag(ops.exp(ops.diag(weights)))
    return ops.matmul(factor, ops.transpose(factor))


def _inverse(matrix: Tensor) -> Tensor:
    """Of symmetric matrices (batch, 2, 2), by one division each."""
    a, b, d = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
    over = 1.0 / (a * d - b * b)
    return ops.stack([ops.stack([d * over, -b * over], -1), ops.stack([-b * over, a * over], -1)], -2)
