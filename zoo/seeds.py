"""Seeds of single layers out of one seed."""

import numpy as np


def initial_seeds(seed: int | None, count: int) -> list[int | None]:
    """One seed for each layer, all different; all None when `seed` is."""
    if seed is None:
        return [None] * count
    return [int(drawn) for drawn in np.random.default_rng(seed).integers(2**31, size=count)]
