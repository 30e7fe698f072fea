"""Softmax, log-sum-exp and entropy, exact to the last digits for any finite logits.

All in float64, and all through the differences to the largest logit, which are at most 0: no exponential overflows, and
how little is left beside the largest class is summed by itself rather than found as 1 - p, which would round to 0.
"""

import numpy as np

Array = np.ndarray


def shifted(logits: Array) -> tuple[Array, Array]:
    """The largest of each row, (..., 1), and the differences of all to it, (..., classes)."""
    logits = np.asarray(logits, np.float64)
    largest = logits.max(axis=-1, keepdims=True)
    return largest, logits - largest


def beside_largest(below: Array) -> Array:
    """The sum of exp(below) over all but one largest class: (..., 1). `below` as `shifted` returns it."""
    exponentials = np.exp(below)
    np.put_along_axis(exponentials, below.argmax(axis=-1)[..., None], 0.0, axis=-1)
    return exponentials.sum(axis=-1, keepdims=True)


def log_sum_exp(logits: Array) -> Array:
    """log sum_c exp(logits_c): (...,)."""
    largest, below = shifted(logits)
    return (largest + np.log1p(beside_largest(below)))[..., 0]


def log_softmax(logits: Array) -> Array:
    """Logarithms of the probabilities: (..., classes)."""
    _, below = shifted(logits)
    return below - np.log1p(beside_largest(below))


def entropy(logits: Array) -> Array:
    """Entropy of the softmax, in nats: (...,), from 0 to log(classes)."""
    _, below = shifted(logits)
    others = np.log1p(beside_largest(below))
    # -sum p log p = log Z - sum p * below, and both terms are at least 0, so that nothing cancels.
    return (others - (np.exp(below - others) * below).sum(axis=-1, keepdims=True))[..., 0]


def one_minus_largest(logits: Array) -> Array:
    """1 - max_c softmax(logits)_c: (...,)."""
    _, below = shifted(logits)
    others = beside_largest(below)
    return (others / (1 + others))[..., 0]
