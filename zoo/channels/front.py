"""Which choices no other choice beats, and how much they beat together. Numpy only."""

import numpy as np

Array = np.ndarray


def front(values: Array) -> Array:
    """Indices of the rows (n, 2) that no row beats, the cheapest first; of equal rows the first. Less is better."""
    order = np.lexsort((np.arange(len(values)), values[:, 0], values[:, 1]))
    best, found = np.inf, []
    for index in order:
        if values[index, 0] < best:
            best = values[index, 0]
            found.append(index)
    return np.array(found, int)


def ranks(values: Array) -> Array:
    """How many fronts must be taken away before a row (n, 2) is in one, (n,): by comparing all with all."""
    beats = (values[:, None] <= values[None]).all(-1) & (values[:, None] < values[None]).any(-1)
    rank, left, now = np.zeros(len(values), int), np.ones(len(values), bool), 0
    while left.any():
        first = left & ~(beats & left[:, None]).any(axis=0)
        rank[first] = now
        left &= ~first
        now += 1
    return rank


def crowding(values: Array, rank: Array) -> Array:
    """How far the neighbours of each row in its front are apart, (n,); infinite at the ends."""
    far = np.zeros(len(values))
    for number in np.unique(rank):
        rows = np.flatnonzero(rank == number)
        for column in values[rows].T:
            order = rows[np.argsort(column, kind="stable")]
            spread = np.ptp(column) or 1.0
            ordered = np.sort(column)
            far[order[[0, -1]]] = np.inf
            far[order[1:-1]] += (ordered[2:] - ordered[:-2]) / spread
    return far


def hypervolume(values: Array, corner: tuple[float, float]) -> float:
    """The area of what the rows (n, 2) beat below a corner; rows beyond it count for nothing."""
    inside = values[(values < corner).all(axis=1)]
    if not len(inside):
        return 0.0
    area, height = 0.0, corner[0]
    for loss, cost in inside[front(inside)]:
        area += (corner[1] - cost) * (height - loss)
        height = loss
    return float(area)
