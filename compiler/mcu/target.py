"""The mcu target as the rest of the compiler sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from compiler.boards import BOARDS, CORTEX_M7, DEFAULT, Board, Memory
from compiler.contract import Contents, Execution, Target, Variant
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.mcu import runner, runtime, sources
from compiler.mcu.places import DTYPES
from compiler.mcu.schedule import Schedule
from compiler.mcu.scheduler import layout, make_schedule
from compiler.options import Numbers, Options

BLOCK = 64  # samples: a usual length of audio blocks


@dataclass(frozen=True)
class Mcu:
    """C for a microcontroller.

    Args:
        board: What `emulator` stands for.
    """

    board: Board = CORTEX_M7

    name = "mcu"
    runs_on = ("reference", "host", "emulator")
    modes: ClassVar[Mapping[Numbers, tuple[str, ...]]] = {"float": ("stream", "frame"), "fixed": ("stream", "frame")}
    word: ClassVar[int | None] = 32

    def reserved_names(self) -> frozenset[str]:
        """The headers that a build stands on."""
        return frozenset(runtime.names())

    def configured(self, options: Mapping[str, Any]) -> Target:
        """With the board that a build was asked for; builds that name none have the default."""
        name = options.get("board") or DEFAULT
        if not isinstance(name, str) or name not in BOARDS:
            raise CompileError(f"there is no --board {name}: there are {', '.join(BOARDS)}")
        return Mcu(BOARDS[name])

    def check(self, graph: Graph, options: Options) -> None:
        """Says whether every operation has a form in C."""
        del options
        layout(graph)

    def generate(
        self, graph: Graph, options: Options, banner: Sequence[str]
    ) -> tuple[dict[str, Contents], dict[str, Any]]:
        """The files of a build, and what is known of it without running it."""
        assembled = options.kernels == "cortex-m7"
        kernels = "cmsis" if options.kernels == "cmsis" else "c"
        rate = options.sample_rate_hz
        schedule = make_schedule(graph, kernels)
        memory = _fitting(schedule, graph.name, self.board)
        how = {"kernels": kernels, "assembled": assembled, "sample_rate_hz": rate, "banner": banner}
        files = sources.pieces(schedule, name=graph.name, **how)
        figures = {
            # What does the work in truth: nothing of CMSIS-DSP is in a build in which all sums have 32 bits.
            "kernels": "cortex-m7" if f"{graph.name}_products.S" in files else runtime.kernels(schedule, kernels),
            "sample_rate_hz": rate,
            "weights_bytes": schedule.weights_bytes,
            "state_bytes": schedule.state_bytes,
            "scratch_bytes": schedule.scratch_bytes,
            "state_memory": memory.name if memory else None,
            "state_section": memory.section or None if memory else None,
        }
        return files, figures

    def execute(
        self,
        folder: Path,
        graph: Graph,
        xs: Sequence[np.ndarray],
        on: str,
        *,
        every: bool = False,
        blocks: int | Sequence[int] = BLOCK,
    ) -> Execution:
        """Compiles a finished build for a place and runs it, from reset, in blocks of some length.

        Each block takes a control from its first sample.
        """
        number = DTYPES[layout(graph).inputs[0].place.ctype]
        fed = [np.ascontiguousarray(x, number) for x in xs]
        run = runner.run(folder, graph, fed, on=on, board=self.board, blocks=blocks, trace=every)
        count = "instructions_per_sample" if graph.mode == "stream" else "instructions_per_frame"
        figures = {count: run.instructions_per_sample, "stack_bytes": run.stack_bytes}
        outputs = {value.name: y for value, y in zip(graph.outputs, run.outputs, strict=True)}
        return Execution({**run.traced, **outputs}, {key: value for key, value in figures.items() if value is not None})

    def variants(self, graph: Graph, seed: int) -> list[Variant]:
        """On this machine in three block lengths, and on the emulated board."""
        del graph, seed
        host = [
            Variant(f"C on this machine, blocks of {blocks}", "host", {"blocks": blocks}, exactly=True)
            for blocks in (BLOCK, 1, 3)
        ]
        return [*host, Variant(f"C on {self.board.what}, blocks of {BLOCK}", "emulator")]

    def measure(self, folder: Path, graph: Graph) -> dict[str, Any]:
        """What a linked image of the build takes."""
        flash, ram = runner.image_size(folder, graph.name, self.board)
        return {"flash_bytes": flash, "ram_bytes": ram}


def _fitting(schedule: Schedule, name: str, board: Board) -> Memory | None:
    """The memory of a board for the state of a build; None where the board does not say what it has.

    Raises:
        CompileError: The state or the weights fit nowhere.
    """
    where = board.what.rpartition("in place of ")[2]
    hint = "Make the model smaller, --numbers q15 or 16x8 halve it, or name another --board."
    if board.flash and schedule.weights_bytes > board.flash:
        needs = f"{name} has {schedule.weights_bytes:,} bytes of weights"
        raise CompileError(f"{needs}, and the flash of {where} {board.flash:,}", hint=hint)
    memory = board.memory(schedule.struct_bytes)
    if board.memories and memory is None:
        largest = max(board.memories, key=lambda memory: memory.size)
        needs = f"{name} works in {schedule.struct_bytes:,} bytes"
        raise CompileError(
            f"{needs}, and the largest memory of {where}, its {largest.name}, has {largest.size:,}", hint=hint
        )
    return memory


MCU: Target = Mcu()
