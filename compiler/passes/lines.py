"""Two lines between which a function of one number runs over an interval, proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
CELLS = 256  # into which the interval of a curve is cut
MOST_PLACES = 1 << 20
ULPS = 16 * 2.0**-52  # what a value computed in float64 may miss, relative to the numbers that it is made of
TINY = 1e-290


@dataclass(frozen=True, eq=False)
class Lines:
    """lower * x + below <= f(x) <= upper * x + above; each of the shape of the interval."""

    upper: Array
    above: Array
    lower: Array
    below: Array


def of_pieces(function: Callable[[Array], Array], corners: list[Array], lo: Array, hi: Array) -> Lines:
    """For a function that is straight between its corners, where it may jump.

    Args:
        corners: Each of a shape that broadcasts to that of lo and hi.
    """
    inner = [np.sort(np.stack([np.clip(c, lo, hi) for c in (np.nextafter(k, -np.inf), k, np.nextafter(k, np.inf))]), 0)
             for k in corners]  # fmt: skip
    places = np.sort(np.concatenate([lo[None], *inner, hi[None]]), axis=0)
    values = function(places)
    wide = np.concatenate([lo[None], *[np.clip(np.broadcast_to(k, lo.shape), lo, hi)[None] for k in corners], hi[None]])
    wide = np.sort(wide, axis=0)
    rise, run = np.diff(function(wide), axis=0), np.diff(wide, axis=0)
    slopes = [_ratio(rise[k], run[k]) for k in range(len(rise))]
    return _best([*slopes, _ratio(values[-1] - values[0], hi - lo), np.zeros_like(lo)], places, places, values, values)


def of_curve(
    function: Callable[[Array], Array], image: Callable[[Array, Array], tuple[Array, Array]], lo: Array, hi: Array
) -> Lines:
    """For any function: the interval is cut into cells, and its least and greatest value in each are what is known.

    Args:
        image: The least and the greatest value over intervals, of any shape.
    """
    cells = int(np.clip(MOST_PLACES // max(lo.size, 1), 8, CELLS))
    steps = np.linspace(0.0, 1.0, cells + 1).reshape(-1, *[1] * lo.ndim)
    places = np.clip(lo + (hi - lo) * steps, lo, hi)
    places[-1] = hi
    least, most = image(places[:-1], places[1:])
    values = function(places)
    at = np.linspace(0, cells - 1, 9).astype(int)
    slopes = [_ratio(values[k + 1] - values[k], places[k + 1] - places[k]) for k in at]
    slopes += [_ratio(values[-1] - values[0], hi - lo), np.zeros_like(lo)]
    return _best(slopes, places[:-1], places[1:], least, most)


def _ratio(rise: Array, run: Array) -> Array:
    with np.errstate(all="ignore"):
        slope = np.where(run > 0, rise / np.where(run > 0, run, 1), 0.0)
    return np.where(np.abs(slope) < 1e12, slope, 0.0)


def _best(slopes: list[Array], begin: Array, end: Array, least: Array, most: Array) -> Lines:
    """Of lines with these slopes, those that run closest in the middle of the interval.

    Args:
        begin, end: (cells, ...): where each cell does.
        least, most: (cells, ...): between which values the function lies in each.
    """
    middle = (begin[0] + end[-1]) / 2
    result: dict[str, Array] = {}
    for slope in slopes:
        ends = slope * begin, slope * end
        error = ULPS * (np.abs(ends[0]) + np.abs(ends[1]) + np.abs(least) + np.abs(most)).max(axis=0) + TINY
        above = (most - np.minimum(*ends)).max(axis=0) + error
        below = (least - np.maximum(*ends)).min(axis=0) - error
        for sign, (side, offset, intercept) in ((1, ("upper", "above", above)), (-1, ("lower", "below", below))):
            gap = sign * (slope * middle + intercept)
            if side not in result:
                result |= {side: slope, offset: intercept, f"{side}_gap": gap}
                continue
            better = gap < result[f"{side}_gap"]
            new = {side: slope, offset: intercept, f"{side}_gap": gap}
            result |= {key: np.where(better, value, result[key]) for key, value in new.items()}
    return Lines(result["upper"], result["above"], result["lower"], result["below"])
