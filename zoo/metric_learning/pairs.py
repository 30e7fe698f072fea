"""Which embeddings a loss compares: pairs and triplets as masks, so that they keep one shape inside a graph."""

from typing import Any, NamedTuple

from keras import ops

Tensor = Any


class Pairs(NamedTuple):
    """Which reference embeddings belong to each anchor, and which do not.

    Attributes:
        positives: (anchors, references), bool: of the anchor's class, and to be pulled closer.
        negatives: (anchors, references), bool: of another class, and to be pushed away.
    """

    positives: Tensor
    negatives: Tensor


class Triplets(NamedTuple):
    """Which (anchor, positive, negative) triplets to look at.

    Attributes:
        mask: (anchors, references, references), bool: entry (a, p, n).
    """

    mask: Tensor


class Reference(NamedTuple):
    """Embeddings to compare a batch with, in place of the batch itself.

    Attributes:
        labels: (references,), class numbers.
        embeddings: (references, dimension).
    """

    labels: Tensor
    embeddings: Tensor


Mined = Pairs | Triplets
"""What a miner finds."""


def class_numbers(labels: Tensor) -> Tensor:
    """Labels of shape (batch,) or (batch, 1), of any type, as (batch,) integers."""
    return ops.cast(ops.reshape(labels, (-1,)), "int32")


def all_pairs(labels: Tensor, reference_labels: Tensor | None = None) -> Pairs:
    """Every pair of a batch with another, or with itself; in the latter case nothing is paired with itself.

    Args:
        labels: (batch,).
        reference_labels: (references,); None for `labels`.

    Returns:
        Masks of shape (batch, references).
    """
    labels = class_numbers(labels)
    others = labels if reference_labels is None else class_numbers(reference_labels)
    same = ops.equal(labels[:, None], others[None, :])
    if reference_labels is not None:
        return Pairs(same, ops.logical_not(same))
    number = ops.arange(ops.shape(labels)[0])
    itself = ops.equal(number[:, None], number[None, :])
    return Pairs(ops.logical_and(same, ops.logical_not(itself)), ops.logical_not(same))


def as_pairs(mined: Mined) -> Pairs:
    """Pairs that occur in any of the triplets; pairs stay what they are."""
    if isinstance(mined, Pairs):
        return mined
    return Pairs(ops.any(mined.mask, axis=2), ops.any(mined.mask, axis=1))


def as_triplets(mined: Mined) -> Triplets:
    """Every triplet that can be made of the pairs; triplets stay what they are."""
    if isinstance(mined, Triplets):
        return mined
    return Triplets(ops.logical_and(mined.positives[:, :, None], mined.negatives[:, None, :]))


def cosines(embeddings: Tensor, others: Tensor) -> Tensor:
    """Cosine of the angle between each embedding and each other one: (batch, others)."""
    return ops.matmul(unit(embeddings), ops.transpose(unit(others)))


def distances(embeddings: Tensor, others: Tensor) -> Tensor:
    """Euclidean distances between embeddings of unit length, 0..2: (batch, others).

    Where two coincide the distance has no slope; it is given the slope 0 there, and not NaN.
    """
    squares = 2.0 - 2.0 * cosines(embeddings, others)
    apart = squares > 1e-12
    return ops.where(apart, ops.sqrt(ops.where(apart, squares, 1.0)), 0.0)


def unit(embeddings: Tensor) -> Tensor:
    """Embeddings at unit length; those that are already stay what they are, and zeros stay zeros."""
    return ops.normalize(embeddings, axis=-1)
