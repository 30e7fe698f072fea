"""How much one part of a model may take, so that a few digits in a file cannot ask for all of the memory.

Whatever is as large as a number in the file says, and not as large as the file, is asked about here first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.errors import CompileError

LARGEST = 1 << 24  # numbers
BYTES = 4  # of each, in a float build


def check(numbers: int, layer: str | None, what: str) -> None:
    """Refuses what is too large.

    Args:
        numbers: How many it takes.
        what: What takes them.

    Raises:
        CompileError: Naming the layer, and the bytes that it would take.
    """
    if numbers > LARGEST:
        raise CompileError(
            f"It would take {numbers * BYTES:,} bytes for {what}; the most that is taken is {LARGEST * BYTES:,}.",
            layer=layer,
            hint="Look at the sizes of this layer and of what it is called on.",
        )


def check_shape(shape: Sequence[int | None], layer: str | None) -> None:
    """Refuses a value, an axis of unknown length counting as one step."""
    check(math.prod(1 if n is None else n for n in shape), layer, f"a value of shape {tuple(shape)}")
