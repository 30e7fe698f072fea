"""Between which values a function of one number lies over an interval: at its ends, or where the function turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from compiler.ir import functions
from compiler.ir.numerics import piecewise
from compiler.ir.ops import Piecewise

Array = np.ndarray
EPSILON = float(np.finfo(np.float64).eps)


def _above(x: float) -> float:
    return float(np.nextafter(x, np.inf))


# Where a function turns, jumps or has a pole: elsewhere it rises or falls throughout.
TURNS: dict[str, Callable[..., Sequence[float]]] = {
    "relu_general": lambda slope, most, threshold: (threshold, _above(threshold), most),
    "leaky_relu": lambda slope: (0.0,),
    "elu": lambda alpha: (0.0,),
    "celu": lambda alpha: (0.0,),
    "gelu": lambda: (-0.7517915246935645,),
    "gelu_tanh": lambda: (-0.7524614220710162,),
    "silu": lambda: (-1.2784645427610738,),
    "mish": lambda: (-1.1924312145154497,),
    "hard_silu": lambda: (-3.0, -1.5, 3.0),
    "hard_shrink": lambda t: (-t, _above(-t), t, _above(t)),
    "threshold": lambda t, below: (t, _above(t)),
    "absolute": lambda: (0.0,),
    "square": lambda: (0.0,),
    "reciprocal": lambda: (0.0,),
}
# Those that turn again and again: the first place above 0, and how far apart the places are.
WAVES = {"sin": (np.pi / 2, np.pi), "cos": (0.0, np.pi)}


def image(function: str, parameters: tuple[float, ...], lo: Array, hi: Array) -> tuple[Array, Array]:
    """The least and the greatest value of a function over intervals; NaN where it has none at one of these places.

    Args:
        lo, hi: (channels,) each.
    """
    places = [lo, hi]
    if function in TURNS:
        places += [np.clip(turn, lo, hi) for turn in TURNS[function](*parameters)]
    if function in WAVES:
        first, apart = WAVES[function]
        # The next two places from the lower end on: what they are not, no third one is.
        start = np.ceil((lo - first) / apart)
        places += [np.clip(first + (start + n) * apart, lo, hi) for n in range(2)]
    values = [functions.apply(function, np.asarray(place, np.float64), parameters) for place in places]
    return np.min(values, axis=0), np.max(values, axis=0)


def image_of_pieces(op: Piecewise, lo: Array, hi: Array) -> tuple[Array, Array]:
    """The same of straight pieces: at the ends, and on both sides of each threshold.

    Where a slope meets a flat piece, it ends at its height: floating point may have the slope end a little beyond.
    """
    values = [piecewise(place, op.thresholds, op.slopes, op.offsets) for place in (lo, hi)]
    for piece, threshold in enumerate(op.thresholds):
        slopes, offsets = op.slopes[piece : piece + 2], op.offsets[piece : piece + 2]
        sides = slopes * threshold + offsets
        near = np.abs(sides[0] - sides[1]) <= 8 * EPSILON * (np.abs(slopes * threshold) + np.abs(offsets)).max(axis=0)
        flat = near & (slopes == 0).any(axis=0)
        sides = np.where(flat, np.where(slopes[0] == 0, offsets[0], offsets[1]), sides)
        met = (threshold > lo) & (threshold <= hi)
        values += [np.where(met, side, values[0]) for side in sides]
    return np.min(values, axis=0), np.max(values, axis=0)


def flat_beyond(function: str, parameters: tuple[float, ...], bound: float, error: float) -> float:
    """The least power of two that numbers of up to a bound may be clamped to, so that a function moves by no more than
    an error: beyond it, it is flat on both sides. The bound where there is none."""
    if function not in functions.RESTING:
        return bound
    clamp = 2.0 ** np.ceil(np.log2(bound)) if bound > 0 else bound
    ends = functions.apply(function, np.array([-bound, bound]), parameters)
    while clamp > 2.0**-8:
        tried = functions.apply(function, np.array([-clamp / 2, clamp / 2]), parameters)
        if clamp / 2 < bound and np.abs(tried - ends).max() > error:
            break
        clamp /= 2
    return min(clamp, bound)
