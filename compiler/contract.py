"""The contract of a target: what each says of itself, what it does, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from compiler.ir.graph import Graph
from compiler.options import Numbers, Options

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


class Target(Protocol):
    """What a graph is compiled for. It knows graphs and folders, and nothing of models or builds.

    Attributes:
        name: What --target calls it.
        runs_on: Where its builds run, as --on calls the places; "reference", the numpy interpreter, among them.
        modes: The numbers it computes in, its default first, and for each whether graphs of samples ("stream"), of
            whole frames ("frame") or both.
        word: Bits of a sum that it takes in its stride, where longer ones cost more; else None.
    """

    name: ClassVar[str]
    runs_on: ClassVar[tuple[str, ...]]
    modes: ClassVar[Mapping[Numbers, tuple[str, ...]]]
    word: ClassVar[int | None]

    def reserved_names(self) -> frozenset[str]:
        """What a build must not be called: the files it stands on."""

    def configured(self, options: Mapping[str, Any]) -> Target:
        """The target as the options in a build's report want it, for running that build.

        Raises:
            CompileError: They name what it does not have.
        """

    def check(self, graph: Graph, options: Options) -> None:
        """Says whether `generate` can do it. Nothing else in the compiler knows what a target has.

        Args:
            graph: The last form of a graph, in one of `modes`.

        Raises:
            CompileError: Naming the first layer that this target cannot compute, or the option that stands in the way.
        """

    def generate(
        self, graph: Graph, options: Options, banner: Sequence[str]
    ) -> tuple[dict[str, Contents], dict[str, Any]]:
        """The files of a build, and what is known of it without running it, under the keys of report.json."""

    def execute(
        self, folder: Path, graph: Graph, xs: Sequence[np.ndarray], on: str, *, every: bool = False, **how: Any
    ) -> Execution:
        """Runs a finished build from reset.

        Args:
            folder: Where its files are.
            graph: What they compute.
            xs: The inputs in the order of the graph, (steps, *shape) each, in the build's own numbers.
            on: One of `runs_on` other than "reference".
            every: Give every value that exists there, not the outputs alone.
            how: What a `Variant` says.
        """

    def variants(self, graph: Graph, seed: int) -> list[Variant]:
        """The ways in which a build is verified."""

    def measure(self, folder: Path, graph: Graph) -> dict[str, Any]:
        """Figures that take more than running it, under the keys of report.json."""
