"""The functions of one number: what each is called, its parameters, and its definition in numpy.

firmware/runtime/nn_float.h and nn_functions.h state the same in C. Definitions follow Keras 3 (keras.activations),
where they exist there; what becomes of NaN, docs/numbers.md says.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray


def _sigmoid(x: Array) -> Array:
    # exp of a number that is not positive on both sides, so that nothing overflows.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _erf(x: Array) -> Array:
    # math.erf over the elements: numpy has none, and importing scipy would double the time a command takes.
    from math import erf

    return np.vectorize(erf, otypes=[np.float64])(x).astype(x.dtype)


def _relu(x: Array, negative_slope: float, max_value: float, threshold: float) -> Array:
    above = np.minimum(x, max_value)
    return np.where(x > threshold, above, negative_slope * (x - threshold) if negative_slope else x.dtype.type(0))


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _squareplus(x: Array, b: float) -> Array:
    root = np.sqrt(x * x + b)
    return np.where(x >= 0, 0.5 * (x + root), 0.5 * b / (root - x))


def _shrink(x: Array, threshold: float) -> Array:
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# name: (how many parameters, definition)
FUNCTIONS: dict[str, tuple[int, Callable[..., Array]]] = {
    "relu": (0, lambda x: np.where(x > 0, x, 0)),  # one instruction of the Cortex-M7, which makes NaN 0
    # negative_slope, max_value (infinite for none), threshold
    "relu_general": (3, _relu),
    "leaky_relu": (1, lambda x, slope: np.where(x >= 0, x, slope * x)),
    "tanh": (0, np.tanh),
    "sigmoid": (0, _sigmoid),
    "elu": (1, _elu),
    "selu": (0, lambda x: SELU_SCALE * _elu(x, SELU_ALPHA)),
    "celu": (1, lambda x, alpha: np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(np.minimum(x, 0) / alpha))),
    "gelu": (0, lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2).astype(x.dtype)))),
    "gelu_tanh": (0, lambda x: 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))),
    "silu": (0, lambda x: x * _sigmoid(x)),
    "mish": (0, lambda x: x * np.tanh(_softplus(x))),
    "softplus": (0, _softplus),
    "softsign": (0, lambda x: x / (1 + np.abs(x))),
    "squareplus": (1, _squareplus),
    "soft_shrink": (1, _shrink),
    "hard_shrink": (1, lambda x, threshold: np.where(np.abs(x) > threshold, x, 0)),
    "tanh_shrink": (0, lambda x: x - np.tanh(x)),
    "sparse_plus": (0, lambda x: np.where(x <= -1, 0, np.where(x < 1, 0.25 * (x + 1) ** 2, x))),
    "sparse_sigmoid": (0, lambda x: np.clip(0.5 * (x + 1), 0, 1)),
    "hard_sigmoid": (0, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hard_silu": (0, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "hard_tanh": (0, lambda x: np.clip(x, -1, 1)),
    # threshold, the value below it
    "threshold": (2, lambda x, threshold, below: np.where(x > threshold, x, below)),
    "log_sigmoid": (0, lambda x: -_softplus(-x)),
    "clip": (2, lambda x, lo, hi: np.clip(x, lo, hi)),
    "exp": (0, np.exp),
    "log": (0, np.log),
    "sqrt": (0, np.sqrt),
    "rsqrt": (1, lambda x, epsilon: 1 / np.sqrt(x + epsilon)),
    "square": (0, np.square),
    "absolute": (0, np.abs),
    "negative": (0, np.negative),
    "reciprocal": (0, lambda x: 1 / x),
    "sin": (0, np.sin),
    "cos": (0, np.cos),
}

# Rising functions that come to rest on both sides: far enough out, nothing more happens.
RESTING = frozenset({"tanh", "sigmoid", "softsign"})

# What the parameters of a function are called, in their order.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "relu_general": ("negative_slope", "max_value", "threshold"),
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
    "celu": ("alpha",),
    "squareplus": ("b",),
    "soft_shrink": ("threshold",),
    "hard_shrink": ("threshold",),
    "threshold": ("threshold", "value"),
    "clip": ("lower bound", "upper bound"),
    "rsqrt": ("epsilon",),
}


def apply(name: str, x: Array, parameters: tuple[float, ...] = ()) -> Array:
    """The function of an array, in the array's precision."""
    count, function = FUNCTIONS[name]
    if len(parameters) != count:
        raise ValueError(f"{name} takes {count} parameters, not {len(parameters)}")
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.asarray(function(x, *(x.dtype.type(p) for p in parameters)), x.dtype)
