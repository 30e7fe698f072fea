"""The fpga target as the rest of the compiler sees it: generate, execute, what to verify, what to measure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler.errors import CheckError, CompileError
from compiler.fpga import emit
from compiler.fpga.folding import cycles, fold
from compiler.fpga.stages import stages
from compiler.ir.graph import Graph
from compiler.options import Options
from compiler.resources import RTL
from compiler.targets import Execution, Variant

if TYPE_CHECKING:
    from compiler.build import Build

FRAMES = False  # whether it computes whole frames
PLACES = ("reference", "rtl")
STALLS = 0.25  # of the cycles at either edge, in the verification with stalls


def taken_names() -> set[str]:
    """What a top module must not be called: the modules it stands on."""
    return {path.stem for path in RTL.glob("*.v")}


def generate(graph: Graph, options: Options, banner: Sequence[str]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of a build, and what is known of it without running it."""
    chain = stages(graph)
    budget = options.clock_hz // options.sample_rate_hz
    foldings = fold(chain, budget=budget, multipliers=options.multipliers)
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
    build: Build, xs: list[np.ndarray], on: str, *, every: bool = False, stall: float = 0.0, seed: int = 0
) -> Execution:
    """Simulates a finished build on one stream of integers, with random stalls at its edges.

    Raises:
        CompileError: The simulator is missing.
        CheckError: The Verilog does not compile, or gives too few words, too many, or unknown ones.
    """
    del on
    chain = stages(build.graph)
    first, last = chain[0].source, chain[-1].output
    watched = {emit.instance(stage): stage.output for stage in chain} if every else {}
    with _simulator() as run_network:
        run = run_network(
            build.folder,
            build.name,
            np.asarray(xs[0], np.int64),
            input_width=first.format.width,
            output_width=last.format.width,
            outputs=last.size,
            stages={stage: value.size for stage, value in watched.items()},
            stall=stall,
            seed=seed,
        )
    values = {watched[stage].name: y for stage, y in run.stages.items()}
    # The pace is that of the design only where nothing holds it up.
    figures = {} if stall else {"cycles_per_sample": run.cycles_per_sample, "latency_cycles": run.latency_cycles}
    figures = {key: value for key, value in figures.items() if value is not None}
    return Execution({**values, last.name: run.y}, figures)


def variants(build: Build, seed: int) -> list[Variant]:
    """How a build is verified: at full speed, and with stalls at both edges."""
    del build
    return [
        Variant("Verilog in simulation, at full speed", "rtl"),
        Variant("Verilog in simulation, with random stalls", "rtl", {"stall": STALLS, "seed": seed}),
    ]


def measure(build: Build) -> dict[str, Any]:
    """Nothing more than the simulation says."""
    del build
    return {}


@contextlib.contextmanager
def _simulator() -> Iterator[Callable[..., Any]]:
    """A simulation alone needs cocotb, so it is asked for when one begins; what it raises becomes our errors."""
    try:
        from sim import network, runner
    except ImportError as error:
        raise CompileError(
            f"the simulation cannot start: {error}",
            hint="Install the simulator's packages: pip install 'keras-silicon[rtl]'.",
        ) from None
    try:
        yield network.run_network
    except runner.MissingToolError as error:
        hint = "It is part of Icarus Verilog; on Debian or Ubuntu, `apt install iverilog` installs it."
        raise CompileError(str(error), hint=hint) from None
    except (runner.SimulationError, runner.BenchError) as error:
        raise CheckError(str(error)) from None
