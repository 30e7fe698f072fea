"""How alike embeddings are, by member and summed over members; and how often the positive comes first."""

from typing import Any

import numpy as np
from keras import ops

Tensor = Any


def by_member(queries: Tensor, candidates: Tensor) -> Tensor:
    """Similarity of every query to every candidate for each member, (members, queries, candidates).

    Args:
        queries: (queries, members, dimensions), of unit length along the last axis.
        candidates: (candidates, members, dimensions), of unit length too.
    """
    return ops.einsum("qme,cme->mqc", queries, candidates)


def summed(queries: Tensor, candidates: Tensor) -> Tensor:
    """The same summed over the members, (queries, candidates): one product of matrices, of members * dimensions."""
    return ops.einsum("qme,cme->qc", queries, candidates)


def to_anchor(embeddings: Tensor) -> Tensor:
    """Similarity of each example's anchor to its other images for each member, (examples, members, candidates).

    Args:
        embeddings: (examples, 1 + candidates, members, dimensions), the anchor first; of unit length.
    """
    return ops.einsum("nme,ncme->nmc", embeddings[:, 0], embeddings[:, 1:])


def positive_first(similarities: Tensor) -> np.ndarray:
    """Whether the positive is more similar to the anchor than every negative; a tie is a miss.

    Args:
        similarities: (..., candidates), the positive first.

    Returns:
        (...), bool.
    """
    similarities = ops.convert_to_numpy(similarities)
    return similarities[..., 0] > similarities[..., 1:].max(axis=-1)
