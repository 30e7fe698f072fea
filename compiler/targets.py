"""What generating a build and running it somewhere yield; both targets speak this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Contents = bytes | Iterator[bytes]  # of a generated file; a large one comes in pieces


@dataclass(frozen=True, eq=False)
class Execution:
    """The result of running a build.

    Args:
        values: By the names of the graph's values, each (samples, channels) in the build's own numbers: the
            output, and what else exists there where it was asked for.
        figures: What was measured on the way, under the keys of report.json.
    """

    values: Mapping[str, np.ndarray]
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """One way to run a build for verification.

    Args:
        what: For the table.
        on: Where.
        how: Further arguments of the target's `execute`.
        exactly: Its bits must equal those of the first variant, even in floating point.
    """

    what: str
    on: str
    how: Mapping[str, Any] = field(default_factory=dict)
    exactly: bool = False
