"""The mcu target as the rest of the compiler sees it: generate, execute, what to verify, what to measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler import mcu
from compiler.ir.graph import Graph
from compiler.mcu import emit
from compiler.options import Options
from compiler.resources import RUNTIME
from compiler.targets import Contents, Execution, Variant

if TYPE_CHECKING:
    from compiler.build import Build

FRAMES = True  # whether it computes whole frames
PLACES = ("reference", "host", "emulator")
BLOCK = 64  # samples: a usual length of audio blocks


def taken_names() -> set[str]:
    """What a build must not be called: the headers it stands on."""
    return {path.stem for path in RUNTIME.iterdir()}


def generate(graph: Graph, options: Options, banner: Sequence[str]) -> tuple[dict[str, Contents], dict[str, Any]]:
    """The files of a build, and what is known of it without running it."""
    kernels = "c" if options.kernels == "auto" else options.kernels
    files = mcu.pieces(graph, name=graph.name, kernels=kernels, sample_rate_hz=options.sample_rate_hz, banner=banner)
    plan = mcu.schedule(graph)
    figures = {
        # What does the work in truth: nothing of CMSIS-DSP is in a build in which all sums have 32 bits.
        "kernels": "cmsis" if emit.uses_cmsis(plan, kernels) else "c",
        "sample_rate_hz": options.sample_rate_hz,
        "weights_bytes": plan.weights_bytes,
        "state_bytes": plan.state_bytes,
        "scratch_bytes": plan.scratch_bytes,
    }
    return files, figures


def execute(build: Build, xs: Sequence[np.ndarray], on: str, *, every: bool = False, blocks: int = BLOCK) -> Execution:
    """Compiles a finished build for a place and runs it, from reset, in blocks of some length.

    Args:
        xs: The inputs in the order of the model, (steps, *shape) each: a stream, or frames. Each block takes a control
            from its first sample.
        every: Give every value that exists in the C, not the outputs alone.
    """
    fed = [np.ascontiguousarray(x, np.int16 if build.fixed else np.float32) for x in xs]
    run = mcu.run(build.folder, build.name, fed, on=on, blocks=blocks, trace=every)
    count = "instructions_per_sample" if build.streams else "instructions_per_frame"
    figures = {count: run.instructions_per_sample, "stack_bytes": run.stack_bytes}
    outputs = {value.name: y for value, y in zip(build.graph.outputs, run.outputs, strict=True)}
    return Execution({**run.traced, **outputs}, {key: value for key, value in figures.items() if value is not None})


def variants(build: Build, seed: int) -> list[Variant]:
    """Where a build is verified: on this machine in three block lengths, and on the emulated Cortex-M7."""
    del seed
    host = [
        Variant(f"C on this machine, blocks of {blocks}", "host", {"blocks": blocks}, exactly=True)
        for blocks in (BLOCK, 1, 3)
    ]
    return [*host, Variant(f"C on an emulated Cortex-M7, blocks of {BLOCK}", "emulator")]


def measure(build: Build) -> dict[str, Any]:
    """What a linked Cortex-M7 image of the build takes."""
    flash, ram = mcu.image_size(build.folder, build.name)
    return {"flash_bytes": flash, "ram_bytes": ram}
