"""The filters in float64 numpy: what the cells are held to, and what the tables are made with, as it is faster."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Numbers:
    """What a filter is made of, float64.

    Attributes:
        transition, process: (4, 4).
        measurement: (2, 2), a covariance.
        push: (4,), what the constant acceleration adds to the state at each step.
        start_mean, start_covariance: (4,) and (4, 4).
        feed_back: whether a missing observation is taken for what was expected, instead of being passed over.
    """

    transition: Array
    process: Array
    measurement: Array
    push: Array
    start_mean: Array
    start_covariance: Array
    feed_back: bool


def motion(step: float) -> tuple[Array, Array]:
    """The transition (4, 4) over a time step, and what accelerations do within it (4, 2)."""
    return np.eye(4) + step * np.eye(4, k=2), np.concatenate([0.5 * step**2 * np.eye(2), step * np.eye(2)])


def numbers_of(cell: Any) -> Numbers:
    """The numbers of a `KalmanCell`, or of a `PublishedCell`: both of its axes are filtered as x is."""
    held = {variable.name: np.asarray(variable.numpy(), np.float64) for variable in cell.variables}
    published = "log_x_noise" in held
    step = np.exp(held["log_time_step"]) if "log_time_step" in held else 1.0
    transition, push = motion(float(step))
    if "transition" in held:
        transition, process = held["transition"], _positive(held["process_factor"])
        measurement = _positive(held["measurement_factor"])
    else:
        process = np.exp(2.0 * held["log_acceleration_noise"]) * push @ push.T
        noise = [held["log_x_noise"]] * 2 if published else held["log_measurement_noise"]
        measurement = np.diag(np.exp(2.0 * np.asarray(noise)))
    start = held.get("start_factor")
    return Numbers(
        transition,
        process,
        measurement,
        push @ held.get("constant_acceleration", np.zeros(2)),
        held.get("start_mean", np.zeros(4)),
        np.eye(4) if start is None else _positive(start),
        published or cell.missing == "feed_back",
    )


def run(numbers: Numbers, inputs: Array) -> tuple[Array, Array, Array]:
    """Filters sequences.

    Covariances and gains follow from what is missing alone, so they are computed once for all sequences in which the
    same is missing.

    Args:
        numbers: of the filter.
        inputs: (sequences, steps, 3): x, y and whether they were seen.

    Returns:
        Expected positions (sequences, steps, 2); the covariances of what is seen around them, that is, of the
        innovations, (sequences, steps, 2, 2); and the covariances of the state behind each step, (sequences, steps,
        4, 4).
    """
    inputs = np.asarray(inputs, np.float64)
    kinds, kind = np.unique(inputs[..., 2] > 0.5, axis=0, return_inverse=True)
    kind = kind.ravel()
    mean = np.tile(numbers.start_mean, (len(inputs), 1))
    covariance = np.tile(numbers.start_covariance, (len(kinds), 1, 1))
    expected, around, behind = [], [], []
    for step in range(inputs.shape[1]):
        mean = mean @ numbers.transition.T + numbers.push
        covariance = numbers.transition @ covariance @ numbers.transition.T + numbers.process
        innovation = covariance[:, :2, :2] + numbers.measurement
        gain = covariance[:, :, :2] @ np.linalg.inv(innovation)
        if not numbers.feed_back:
            gain = gain * kinds[:, step, None, None]
        covariance = covariance - gain @ covariance[:, :2]
        covariance = 0.5 * (covariance + covariance.transpose(0, 2, 1))
        expected.append(mean[:, :2])
        around.append(innovation[kind])
        behind.append(covariance[kind])
        surprise = (inputs[:, step, :2] - mean[:, :2]) * inputs[:, step, 2:]
        mean = mean + np.einsum("nij,nj->ni", gain[kind], surprise)
    return np.stack(expected, 1), np.stack(around, 1), np.stack(behind, 1)


def predict(numbers: Numbers, inputs: Array) -> Array:
    """Expected positions alone, (sequences, steps, 2)."""
    return run(numbers, inputs)[0]


def _positive(weights: Array) -> Array:
    factor = np.tril(weights, -1) + np.diag(np.exp(np.diag(weights)))
    return factor @ factor.T
