"""The fpga target as the rest of the compiler sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from compiler import progress
from compiler.contract import Contents, Execution, Target, Variant
from compiler.errors import CheckError, CompileError
from compiler.fpga import emit
from compiler.fpga.folding import Folding, cycles, fold
from compiler.fpga.stages import Stage, stages
from compiler.ir.graph import Graph
from compiler.options import Numbers, Options
from compiler.resources import RTL

STALLS = 0.25  # of the cycles at either edge, in the verification with stalls


class Fpga:
    """Verilog for any FPGA."""

    name = "fpga"
    runs_on = ("reference", "rtl")
    modes: ClassVar[Mapping[Numbers, tuple[str, ...]]] = {"fixed": ("stream",)}
    word: ClassVar[int | None] = None

    def reserved_names(self) -> frozenset[str]:
        """The modules that a top module stands on."""
        return frozenset(path.stem for path in RTL.glob("*.v"))

    def configured(self, options: Mapping[str, Any]) -> Target:
        """Itself: options are in the Verilog."""
        del options
        return self

    def check(self, graph: Graph, options: Options) -> None:
        """Says whether the graph is a chain of stages, and these are fast enough."""
        _plan(graph, options)

    def generate(
        self, graph: Graph, options: Options, banner: Sequence[str]
    ) -> tuple[dict[str, Contents], dict[str, Any]]:
        """The files of a build, and what is known of it without running it."""
        chain, foldings = _plan(graph, options)
        figures = {
            "sample_rate_hz": options.sample_rate_hz,
            "clock_hz": options.clock_hz,
            "weights_bytes": emit.weights_bytes(chain, foldings),
            "state_bytes": emit.state_bytes(chain),
            "multipliers": sum(folding.multipliers for folding in foldings),
            "cycles_per_sample": max(cycles(stage, folding) for stage, folding in zip(chain, foldings, strict=True)),
        }
        return emit.sources(graph.name, chain, foldings, banner), figures

    def execute(
        self,
        folder: Path,
        graph: Graph,
        xs: Sequence[np.ndarray],
        on: str,
        *,
        every: bool = False,
        stall: float = 0.0,
        seed: int = 0,
    ) -> Execution:
        """Simulates a finished build on one stream of integers, with random stalls at its edges.

        Raises:
            CompileError: The simulator is missing.
            CheckError: The Verilog does not compile, or gives too few words, too many, or unknown ones.
        """
        del on
        chain = stages(graph)
        first, last = chain[0].source, chain[-1].output
        watched = {emit.instance(stage): stage.output for stage in chain} if every else {}
        with _simulator() as run_network:
            run = run_network(
                folder,
                graph.name,
                np.asarray(xs[0], np.int64),
                input_width=first.format.width,
                output_width=last.format.width,
                outputs=last.size,
                stages={stage: value.size for stage, value in watched.items()},
                stall=stall,
                seed=seed,
                during=lambda path: progress.peeking(lambda: _lines(path)),
            )
        values = {watched[stage].name: y for stage, y in run.stages.items()}
        # The pace is that of the design only where nothing holds it up.
        figures = {} if stall else {"cycles_per_sample": run.cycles_per_sample, "latency_cycles": run.latency_cycles}
        figures = {key: value for key, value in figures.items() if value is not None}
        return Execution({**values, last.name: run.y}, figures)

    def variants(self, graph: Graph, seed: int) -> list[Variant]:
        """At full speed, and with stalls at both edges."""
        del graph
        return [
            Variant("Verilog in simulation, at full speed", "rtl"),
            Variant("Verilog in simulation, with random stalls", "rtl", {"stall": STALLS, "seed": seed}),
        ]

    def measure(self, folder: Path, graph: Graph) -> dict[str, Any]:
        """Nothing more than the simulation says."""
        del folder, graph
        return {}


def _plan(graph: Graph, options: Options) -> tuple[tuple[Stage, ...], tuple[Folding, ...]]:
    chain = stages(graph)
    budget = options.clock_hz // options.sample_rate_hz
    return chain, fold(chain, budget=budget, multipliers=options.multipliers)


def _lines(path: Path) -> int:
    """The lines of a file that is being written."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


@contextlib.contextmanager
def _simulator() -> Iterator[Callable[..., Any]]:
    """What a simulation raises becomes our errors. It is imported here, so that compiling does without."""
    from sim import network, runner

    try:
        yield network.run_network
    except runner.MissingToolError as error:
        hint = "It is part of Icarus Verilog; on Debian or Ubuntu, `apt install iverilog` installs it."
        raise CompileError(str(error), hint=hint) from None
    except (runner.SimulationError, runner.BenchError) as error:
        raise CheckError(str(error)) from None


FPGA: Target = Fpga()
