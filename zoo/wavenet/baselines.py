"""What can be had without a network. Numpy only.

Each baseline is fitted by least squares, once for every corner, to the task of the network: the shape one sample on,
from the core. None of them sees the embedding, because each only ever makes one shape, which is a head start.
"""

from collections.abc import Callable

import numpy as np

DEGREE = 9
TAPS = (8, 64)

Features = Callable[[np.ndarray], np.ndarray]


def polynomial(core: np.ndarray) -> np.ndarray:
    """Chebyshev polynomials of the core's value: what any memoryless curve of degree 9 can do.

    Args:
        core: (waves, samples), values in -1..1.

    Returns:
        (waves, samples, 10). Chebyshev rather than powers, which are nearly dependent on each other.
    """
    return np.polynomial.chebyshev.chebvander(core, DEGREE)


def two_polynomials(core: np.ndarray) -> np.ndarray:
    """One polynomial for a rising core and one for a falling core.

    On a triangle, value and direction are the phase, so this only lacks the frequency, which it would need to look
    one sample ahead, and corners, which polynomials round off. The strongest of the baselines.

    Args:
        core: (waves, samples), values in -1..1.

    Returns:
        (waves, samples, 20).
    """
    rising = np.diff(core, axis=1, prepend=core[:, :1]) >= 0.0
    curve = polynomial(core)
    return np.concatenate([curve * rising[..., None], curve * ~rising[..., None]], axis=-1)


def taps(count: int) -> Features:
    """The last `count` samples and a constant: the best linear filter of that length.

    Returns:
        A function from (waves, samples) to (waves, samples, count + 1); before the first sample stand zeros.
    """

    def features(core: np.ndarray) -> np.ndarray:
        padded = np.pad(core, [(0, 0), (count - 1, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, count, axis=1)
        return np.concatenate([windows, np.ones_like(windows[..., :1])], axis=-1)

    return features


BASELINES: dict[str, Features] = {
    f"polynomial, degree {DEGREE}": polynomial,
    **{f"linear filter, {count} taps": taps(count) for count in TAPS},
    f"two polynomials, degree {DEGREE}": two_polynomials,
}
"""Every baseline by its name in the printed table."""


def decibels(error: np.ndarray, target: np.ndarray) -> float:
    """Power of the error over power of the target."""
    return float(10.0 * np.log10(np.mean(np.square(error, dtype=np.float64)) / np.mean(np.square(target))))


def predict(
    features: Features, fit: tuple[np.ndarray, np.ndarray], core: np.ndarray, receptive_field: int
) -> np.ndarray:
    """Fits a baseline to one shape and applies it.

    Args:
        features: one of `BASELINES`.
        fit: cores and targets to fit, both (waves, samples).
        core: the cores to shape, (waves, samples).
        receptive_field: samples at the start of every wave that the fit leaves out, as the network's training does.

    Returns:
        The shaped waves, (waves, samples).
    """
    columns = features(fit[0])[:, receptive_field:]
    # The normal equations: 65 unknowns at most, and 50 times faster than an orthogonal solver on the tall matrix.
    flat = columns.reshape(-1, columns.shape[-1]).astype(np.float64)
    gram, moment = flat.T @ flat, flat.T @ fit[1][:, receptive_field:].reshape(-1)
    return features(core) @ np.linalg.lstsq(gram, moment)[0]
