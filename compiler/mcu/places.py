"""The types of numbers in C, and the memory that they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

CType = Literal["float", "int8_t", "int16_t", "int32_t", "int64_t"]
BYTES: dict[CType, int] = {"float": 4, "int8_t": 1, "int16_t": 2, "int32_t": 4, "int64_t": 8}
DTYPES: dict[CType, type[np.generic]] = {
    "float": np.float32,
    "int8_t": np.int8,
    "int16_t": np.int16,
    "int32_t": np.int32,
    "int64_t": np.int64,
}


@dataclass(frozen=True)
class Place:
    """A stretch of memory that holds one value of the present sample, or a part of one.

    Args:
        area: The caller's inputs and outputs, a ring of one sample, a table of constants, or the scratch area of
            the element type; "planned" while the schedule is being made.
        ctype: Type of its elements.
        offset: Elements from the start of the area.
        size: Elements.
        which: The input, output or planned buffer by number; the ring or table by name.
    """

    area: Literal["in", "out", "ring", "table", "scratch", "planned"]
    ctype: CType
    offset: int
    size: int
    which: int | str = 0

    @property
    def memory(self) -> tuple[str, CType, int | str]:
        """What two places have in common that may overlap."""
        return self.area, self.ctype, self.which


@dataclass(frozen=True, eq=False)
class Ring:
    """Storage of the last `length` samples of a value, the present one apart.

    Args:
        channels: Numbers in a sample.
        initial: (channels,), what every sample is after a reset.
        silence: (channels,), what every sample is when zeros have come in for ever, on machines that round a product
            and a sum at once, and on others; None where there is no telling.
    """

    name: str
    ctype: CType
    channels: int
    length: int
    initial: np.ndarray
    silence: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def size(self) -> int:
        """Elements."""
        return self.length * self.channels
