"""What a model could have instead of what the compiler does not know."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST = 3
# What does the work of layers whose names are like no other's.
INSTEAD = {
    "AdditiveAttention": ("Add", "Activation", "Dot", "Softmax"),
    "Attention": ("Dot", "Softmax"),
    "Conv3D": ("Conv2D",),
    "ConvLSTM1D": ("Conv1D", "LSTM"),
    "ConvLSTM2D": ("Conv2D", "LSTM"),
    "Discretization": ("Embedding",),
    "GroupQueryAttention": ("EinsumDense", "Dot", "Softmax"),
    "MultiHeadAttention": ("EinsumDense", "Dot", "Softmax"),
}


def hint(wanted: str, known: Iterable[str]) -> str:
    """A sentence that names what is like `wanted` among what is known, and where all of it is listed."""
    by_case = {name.lower(): name for name in sorted(known)}
    close = [by_case[name] for name in difflib.get_close_matches(wanted.lower(), by_case, MOST, 0.6)]
    names = [name for name in INSTEAD.get(wanted, close) if name.lower() in by_case]
    listed = "docs/layers.md lists all that is supported."
    return (
        f"What comes nearest is {_or(names)}; {listed}" if names else "All that is supported stands in docs/layers.md."
    )


def _or(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
