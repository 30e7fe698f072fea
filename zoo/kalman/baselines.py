"""What can be had without a filter. Numpy only."""

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Weigh = Callable[[Array, int], Array]


def last_two(times: Array, now: int) -> Array:
    """Constant velocity out of the last two positions: the weight of each, (n,). One alone stays where it is."""
    weights = np.zeros(len(times))
    weights[-1] = 1.0
    if len(times) > 1:
        ahead = (now - times[-1]) / (times[-1] - times[-2])
        weights[-1], weights[-2] = 1.0 + ahead, -ahead
    return weights


def parabola(times: Array, now: int) -> Array:
    """The parabola of least squares through all positions, the line through two: the weight of each, (n,)."""
    degree = min(2, len(times) - 1)
    return np.vander([now], degree + 1)[0] @ np.linalg.pinv(np.vander(times, degree + 1))


BASELINES: dict[str, Weigh] = {"last two observations": last_two, "least-squares parabola": parabola}
"""Every baseline: from the times of what was seen, the start at 0 among them, and the time asked for, to weights."""


def predict(weigh: Weigh, inputs: Array) -> Array:
    """Positions (throws, steps, 2) expected before each is seen; every throw starts at (0, 0) at time 0.

    Args:
        weigh: out of `BASELINES`.
        inputs: (throws, steps, 3): x, y and whether they were seen.
    """
    seen, kind = np.unique(inputs[..., 2] > 0.5, axis=0, return_inverse=True)
    steps = inputs.shape[1]
    weights = np.zeros((len(seen), steps, steps))  # from what was seen at a step to what is expected at another
    for row, mask in enumerate(seen):
        times = np.concatenate([[0], 1 + np.flatnonzero(mask)])
        for step in range(steps):
            known = times[times <= step]
            weights[row, step, known[1:] - 1] = weigh(known.astype(float), step + 1)[1:]  # the start weighs 0
    return np.einsum("nij,njc->nic", weights[kind.ravel()], inputs[..., :2].astype(np.float64))
