"""What a perfectly calibrated network would score, given that labels are drawn; numpy only."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class NoiseFloor:
    """Expected calibration errors of a network whose confidences are right.

    Attributes:
        mean: over many draws of the labels.
        percentile95: what one draw in twenty exceeds. An error below this is no sign of miscalibration.
    """

    mean: float
    percentile95: float


def noise_floor(probabilities: Array, *, bins: int = 15, draws: int = 1_000, seed: int = 0) -> NoiseFloor:
    """ECE over bins of equal width, with labels drawn from the network's own probabilities again and again.

    Args:
        probabilities: (n, classes). Of a drawn label it only matters whether it is the most probable one, so only the
            greatest of each row is used.
        bins: as in `ExpectedCalibrationError`.
        draws: how many times all labels are drawn.
        seed: of the draws.
    """
    confidence = np.asarray(probabilities, np.float64).max(-1)
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    random = np.random.default_rng(seed)
    errors = np.empty(draws)
    for draw in range(draws):
        success = random.random(len(confidence)) < confidence
        gaps = np.bincount(places, weights=success - confidence, minlength=bins)
        errors[draw] = np.abs(gaps).sum() / len(confidence)
    return NoiseFloor(float(errors.mean()), float(np.percentile(errors, 95)))
