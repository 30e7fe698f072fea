"""Microcontrollers: a graph becomes C, which runs on the host and on an emulated Cortex-M7.

`generate` makes a build's sources, `state_bytes` and `weights_bytes` measure them, and `run` and `image_size`
compile a finished build and try it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.mcu import emit, header, runtime, tables
from compiler.mcu.packing import Kernels
from compiler.mcu.scheduler import check, schedule

if TYPE_CHECKING:
    from compiler.mcu.runner import Run, image_size, run

__all__ = [
    "Run",
    "check",
    "generate",
    "image_size",
    "pieces",
    "run",
    "schedule",
    "scratch_bytes",
    "state_bytes",
    "weights_bytes",
]

# Names whose type, <name>_t, the C library has already.
TAKEN = re.compile(
    r"(size|ssize|ptrdiff|wchar|wint|float|double|time|clock|off|div|max_align|u?int(ptr|max|(_fast|_least)?\d+))$"
)


def generate(
    graph: Graph,
    *,
    name: str,
    kernels: Kernels = "c",
    sample_rate_hz: int | None = None,
    banner: Sequence[str] = (),
) -> dict[str, bytes]:
    """The sources of a build: file name -> contents. The same arguments give the same bytes.

    `pieces` gives them without holding the weights' text in memory.

    They compile with `cc -c`, and every name that the linker sees begins with the prefix.

    Args:
        graph: A stream graph, floating or fixed-point, or a frame graph, floating, its shapes known. In fixed point
            with one input and one output.
        name: Prefix of every symbol and file, a C identifier.
        kernels: "c" for plain C, "cmsis" for CMSIS-DSP.
        sample_rate_hz: For the header alone.
        banner: Comment lines for generated files, below what they are and their licence.

    Raises:
        CompileError: Naming the first layer this target cannot compute; a name that cannot be used.
    """
    files = pieces(graph, name=name, kernels=kernels, sample_rate_hz=sample_rate_hz, banner=banner)
    return {file: contents if isinstance(contents, bytes) else _whole(contents) for file, contents in files.items()}


def _whole(contents: Iterator[bytes]) -> bytes:
    written = BytesIO()  # joining would hold every piece beside the whole
    written.writelines(contents)
    return written.getvalue()


def pieces(
    graph: Graph, *, name: str, kernels: Kernels, sample_rate_hz: int | None, banner: Sequence[str]
) -> dict[str, bytes | Iterator[bytes]]:
    """As `generate`, a large file in pieces."""
    _check_name(name)
    plan = schedule(graph, kernels)
    carried = runtime.files(plan, kernels)
    texts = {
        f"{name}.h": header.header(plan, name, banner, sample_rate_hz),
        f"{name}.c": emit.source(plan, name, banner, kernels),
        "CMakeLists.txt": emit.cmake(name, banner, math=not carried.keys().isdisjoint(runtime.MATH)),
    }
    files: dict[str, bytes | Iterator[bytes]] = {file: text.encode() for file, text in texts.items()}
    files[f"{name}_weights.h"] = tables.weights(plan, name, banner, kernels)
    return files | carried


def state_bytes(graph: Graph) -> int:
    """Bytes that a build remembers between samples, on every target; sizeof its state but for `scratch_bytes`."""
    return schedule(graph).state_bytes


def scratch_bytes(graph: Graph) -> int:
    """Bytes that a build works in: on the stack up to 1 kB, else, and for scans, part of its state's type."""
    return schedule(graph).scratch_bytes


def weights_bytes(graph: Graph) -> int:
    """Bytes of the constant tables of a build: weights, biases, scales, shifts, non-zero initial states."""
    return schedule(graph).weights_bytes


def _check_name(name: str) -> None:
    taken = runtime.names()
    if (
        not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        or TAKEN.match(name)
        or name in taken
        or name.startswith("nn_")
    ):
        raise CompileError(f"'{name}' cannot be the prefix of C names", hint="Choose another with --name.")


def __getattr__(name: str) -> Any:
    # Running a build needs subprocesses and temporary folders; making one does not.
    if name in ("Run", "image_size", "run"):
        from importlib import import_module

        return getattr(import_module("compiler.mcu.runner"), name)
    raise AttributeError(name)
