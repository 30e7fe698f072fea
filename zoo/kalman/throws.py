"""Throws under gravity, seen with gaps. Numpy only."""

import numpy as np

Array = np.ndarray

STEPS = 10
ACROSS, UP = (2.0, 7.0), (4.0, 8.0)
"""Ranges of the speeds at the start, in lengths a step. Gravity is 1 length a step squared."""


def throw(across: Array, up: Array, steps: int = STEPS) -> Array:
    """Positions (throws, steps, 2), x and y, 1 to `steps` steps after the start at (0, 0).

    Args:
        across, up: speeds at the start, (throws,).
        steps: of every throw.
    """
    k = np.arange(1, steps + 1)
    return np.stack([across[:, None] * k, up[:, None] * k - 0.5 * k**2], axis=-1)


def random_throws(count: int, seed: int) -> Array:
    """Throws whose speeds are uniform, (count, STEPS, 2)."""
    random = np.random.default_rng((seed, 0))
    return throw(random.uniform(*ACROSS, count), random.uniform(*UP, count))


def grid_of_throws(side: int = 40) -> Array:
    """Every pair of `side` speeds across and as many up, (side * side, STEPS, 2)."""
    across, up = np.meshgrid(np.linspace(*ACROSS, side), np.linspace(*UP, side))
    return throw(across.ravel(), up.ravel())


def observe(positions: Array, missing_rate: float, seed: int) -> Array:
    """What is seen of throws: x, y, and 1; or three zeros where nothing is seen. (throws, steps, 3), float32.

    Args:
        positions: (throws, steps, 2).
        missing_rate: probability that a position is not seen, 0 to 1.
        seed: of what is missing. `held_out` makes seeds that no training has.

    Raises:
        ValueError: a rate outside 0 to 1, or NaN or infinity among the positions.
    """
    if not 0.0 <= missing_rate <= 1.0:
        raise ValueError(f"the missing rate must be from 0 to 1, not {missing_rate}")
    if not np.isfinite(positions).all():
        raise ValueError("the observations hold NaN or infinity: leave out what was not seen, by a mask of 0")
    seen = np.random.default_rng((seed, 1)).random(positions.shape[:2]) >= missing_rate
    return np.concatenate([positions, np.ones_like(positions[..., :1])], axis=-1).astype(np.float32) * seen[..., None]


def held_out(index: int) -> int:
    """A seed of masks that no training ever uses, for index 0, 1, ..."""
    return 2**32 + index


def least_error(missing_rate: float, positions: Array) -> float:
    """The squared error below which no predictor can be on these throws, given how much is missing.

    Before anything has been seen, a throw may be any; the best guess k steps after the start is the mean of all throws,
    whose squared error is k^2 times the variance of the speeds. So it is with probability rate^(k - 1) at step k, for
    as long as nothing has been seen since the start. One position seen gives both speeds away: after it there is no
    error at all. On the grid of 40 x 40 and at a rate of .1 the mean over ten steps is .271.

    Args:
        missing_rate: 0 to 1.
        positions: (throws, steps, 2).
    """
    variance = positions.var(axis=0).mean(axis=-1)  # of step k: k^2 times that of the speeds
    return float(np.mean(variance * missing_rate ** np.arange(len(variance))))
