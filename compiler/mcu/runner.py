"""Runs a finished build on the host or on the emulated Cortex-M7, from nothing but its folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from compiler import progress
from compiler.boards import COMMON_FLAGS, CORTEX_M7, HOST, Board
from compiler.errors import CheckError, CompileError
from compiler.ir.graph import Graph
from compiler.mcu.places import DTYPES, Place
from compiler.mcu.schedule import Traced
from compiler.mcu.scheduler import layout
from compiler.resources import FIRMWARE

COMPACT = ("-O1", "-DNN_COMPACT")
SANITIZE = (*COMPACT, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
TIMEOUT_S, LEAST_PACE = 120, 20  # seconds, and samples a second beside


@dataclass(frozen=True, eq=False)
class Run:
    """What came out of a run.

    Args:
        outputs: In the order of the model, (steps, *shape) each, of the build's output type.
        traced: Every value that exists in the C, by name: (steps, *shape).
        instructions_per_sample: Of process, calls included, or those of a frame; on the emulator and without
            trace only.
        stack_bytes: Of process, on the emulator without trace only.
    """

    outputs: list[np.ndarray]
    traced: dict[str, np.ndarray] = field(default_factory=dict)
    instructions_per_sample: float | None = None
    stack_bytes: int | None = None

    @property
    def y(self) -> np.ndarray:
        """The output of a build that has one."""
        (y,) = self.outputs
        return y


def run(
    folder: Path,
    graph: Graph,
    xs: np.ndarray | Sequence[np.ndarray],
    *,
    on: Literal["host", "emulator"],
    board: Board = CORTEX_M7,
    blocks: int | Sequence[int] = 64,
    trace: bool = False,
    sanitize: bool = False,
    compact: bool = False,
) -> Run:
    """Compiles a build into a temporary folder and feeds it a stream, from reset, or frames.

    Args:
        folder: The build; it is only read.
        graph: What it computes; its name is the prefix of the files.
        xs: The inputs in the order of the model, (steps, *shape) each, or the only one: float32 for a float build,
            int16 for a fixed-point one. Each call is given a control as it is at the call's first sample.
        on: Here, or on the emulated board.
        board: That board.
        blocks: The samples, or frames, of each call of process; a sequence is repeated.
        trace: Whether to record every value.
        sanitize: On the host, with address and undefined-behaviour sanitizers, compact too.
        compact: Compiled in a fraction of the time, to the same bits, without inlining and unrolling.

    Raises:
        CompileError: A tool is missing.
        CheckError: The build does not compile, crashes, or runs for longer than any should.
        ValueError: The inputs do not fit the build.
    """
    folder, name, face = Path(folder), graph.name, layout(graph)
    board = HOST if on == "host" else board
    xs = [np.asarray(x) for x in ([xs] if isinstance(xs, np.ndarray) else xs)]
    steps, wanted = {x.shape[:1] for x in xs}, [(_dtype(port.place), port.shape) for port in face.inputs]
    if [(x.dtype, x.shape[1:]) for x in xs] != wanted or len(steps) != 1:
        given = ", ".join(f"{x.dtype.name} {x.shape}" for x in xs)
        each = ", ".join(f"{dtype.name} {shape}" for dtype, shape in wanted)
        raise ValueError(f"{name} wants {each} of each step, not {given}")
    lengths = np.atleast_1d(np.asarray(blocks, np.uint32))
    if not lengths.size or not lengths.any():
        raise ValueError("blocks of no samples")
    with tempfile.TemporaryDirectory(prefix="mcu-run-") as temporary:
        work = Path(temporary)
        for number, x in enumerate(xs):
            np.ascontiguousarray(x).tofile(work / f"x{number}.bin")
        lengths.tofile(work / "blocks.bin")
        flags = SANITIZE if sanitize else COMPACT if compact else ()
        program = compile_program(folder, name, board, work, harness(board), (*flags, *harness_flags(name, trace)))
        command = [part.format(program=program.name) for part in board.run]
        with progress.peeking(lambda: _traced_steps(work / "trace.bin", face.values)):
            _execute(command, work, TIMEOUT_S + len(xs[0]) // LEAST_PACE)
        outputs = [
            np.fromfile(work / f"y{number}.bin", _dtype(port.place)).reshape(-1, *port.shape)
            for number, port in enumerate(face.outputs)
        ]
        traced = _read_trace(work / "trace.bin", face.values) if trace else {}
        instructions, stack = np.fromfile(work / "counts.bin", np.uint64).tolist()
    if on == "host" or trace or not len(xs[0]):
        return Run(outputs, traced)
    return Run(outputs, traced, instructions / len(xs[0]), stack)


def harness(board: Board) -> list[Path]:
    """The sources of the test harness on a board."""
    return [FIRMWARE / "harness" / "main.c", *sorted((FIRMWARE / board.folder).glob("*.c"))]


def harness_flags(name: str, trace: bool = False) -> tuple[str, ...]:
    """How the test harness is told which build it runs."""
    flags = (f'-DNN_HEADER="{name}.h"', f"-DNN_MODEL={name}", f"-DNN_MODEL_UPPER={name.upper()}")
    return (*flags, "-include", str(FIRMWARE / "harness" / "trace.h")) if trace else flags


def compile_program(
    folder: Path, name: str, board: Board, work: Path, main: Sequence[Path], flags: Sequence[str] = ()
) -> Path:
    """Compiles a build and a main program for a board.

    Args:
        folder: The build.
        name: What the program is called.
        board: Where it is to run.
        work: The folder it is put into.
        main: Sources that stand around the build.
        flags: More flags of the compiler.

    Raises:
        CompileError: The compiler is missing.
        CheckError: The sources do not compile; with the compiler's words.
    """
    _need(board.compiler)
    program = work / f"{name}.elf"
    link = [flag.format(folder=FIRMWARE / board.folder) for flag in board.link]
    sources = [*sorted(folder.glob("*.[cS]")), *main]
    command = [board.compiler, *COMMON_FLAGS, *board.flags, *flags, f"-I{folder}", *map(str, sources)]
    command += ["-o", str(program), *link]
    result = subprocess.run(command, env=_environment(), capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        raise CheckError(f"{name} does not compile with {board.compiler}:\n{result.stderr.strip()[:2000]}")
    return program


def image_size(folder: Path, name: str, board: Board = CORTEX_M7) -> tuple[int, int]:
    """The (flash, RAM) bytes of an image of this build alone, on a board that is no host.

    Flash is code, constants and initial data of the build, of what it calls in the C library, of a start-up
    that copies and clears, and of a main that processes one sample; RAM is that main's one state and one sample
    in and out, and whatever else is static. The stack is not part of it: `run` measures that.
    """
    _need("arm-none-eabi-size")
    folder = Path(folder)
    with tempfile.TemporaryDirectory(prefix="mcu-size-") as temporary:
        work = Path(temporary)
        main = [FIRMWARE / "image" / "main.c"]
        flags = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", *harness_flags(name))
        program = compile_program(folder, name, board, work, main, flags)
        command = ["arm-none-eabi-size", str(program)]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    # A heading, then the bytes of code and constants, of initial data, of what begins as zeros.
    sizes = re.match(r".*\n\s*(\d+)\s+(\d+)\s+(\d+)\s", result.stdout)
    if result.returncode or not sizes:
        said = (result.stderr + result.stdout).strip()[-2000:] or "nothing"
        raise CompileError(f"arm-none-eabi-size cannot tell the size of the program; it says: {said}")
    text, data, bss = map(int, sizes.groups())
    return text + data, data + bss


def _execute(command: Sequence[str], work: Path, seconds: int) -> None:
    _need(command[0])
    try:
        result = subprocess.run(
            command,
            cwd=work,
            env=_environment() | {"ASAN_OPTIONS": "detect_leaks=0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CheckError(f"the program ran for longer than {seconds} s") from None
    if result.returncode or not (work / "counts.bin").exists():
        said = (result.stderr + result.stdout).strip()[-2000:] or "without a word"
        raise CheckError(f"the program failed with exit code {result.returncode}: {said}")


def _record(values: Sequence[Traced]) -> np.dtype:
    """What is traced of one sample."""
    return np.dtype([(value.name, _dtype(value.place), value.shape) for value in values])


def _traced_steps(path: Path, values: Sequence[Traced]) -> int:
    """How many samples are traced so far."""
    return path.stat().st_size // max(1, _record(values).itemsize) if path.exists() else 0


def _read_trace(path: Path, values: Sequence[Traced]) -> dict[str, np.ndarray]:
    rows = np.fromfile(path, _record(values))
    return {value.name: np.ascontiguousarray(rows[value.name]) for value in values}


def _dtype(place: Place) -> np.dtype:
    return np.dtype(DTYPES[place.ctype])


def _environment() -> dict[str, str]:
    """Ours, with a PATH in any case: without one a compiler is found, but does not find its own parts."""
    return {"PATH": os.defpath} | os.environ


def _need(tool: str) -> None:
    if os.sep not in tool and shutil.which(tool) is None:
        raise CompileError(f"{tool} is not installed", hint="Run `make setup`.")
