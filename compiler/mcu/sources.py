"""Schedule -> the files of a build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compiler.errors import CompileError
from compiler.mcu import assembly, emit, header, runtime, tables
from compiler.mcu.packing import Kernels
from compiler.mcu.schedule import Schedule

# Names whose type, <name>_t, the C library has already.
TAKEN = re.compile(
    r"(size|ssize|ptrdiff|wchar|wint|float|double|time|clock|off|div|max_align|u?int(ptr|max|(_fast|_least)?\d+))$"
)


def pieces(
    schedule: Schedule,
    *,
    name: str,
    kernels: Kernels = "c",
    assembled: bool = False,
    sample_rate_hz: int | None = None,
    banner: Sequence[str] = (),
) -> dict[str, bytes | Iterator[bytes]]:
    """The sources of a build: file name -> contents, a large file in pieces. The same arguments give the same bytes.

    They compile with `cc -c`, and every name that the linker sees begins with the prefix.

    Args:
        schedule: What the build does.
        name: Prefix of every symbol and file, a C identifier.
        kernels: "c" for plain C, "cmsis" for CMSIS-DSP.
        assembled: Whether products of floats are in assembly for the Cortex-M7, in the order of plain C.
        sample_rate_hz: For the header alone.
        banner: Comment lines for generated files, below what they are and their licence.

    Raises:
        CompileError: The name cannot be used.
    """
    _check_name(name)
    carried = runtime.files(schedule, kernels)
    products = assembly.products(schedule) if assembled else []
    texts = {
        f"{name}.h": header.header(schedule, name, banner, sample_rate_hz),
        f"{name}.c": emit.source(schedule, name, banner, kernels, products),
        "CMakeLists.txt": emit.cmake(name, banner, assembled=bool(products)),
    }
    if products:
        texts[f"{name}_products.S"] = assembly.source(name, banner, products)
    files: dict[str, bytes | Iterator[bytes]] = {file: text.encode() for file, text in texts.items()}
    files[f"{name}_weights.h"] = tables.weights(schedule, name, banner, kernels)
    return files | carried


def _check_name(name: str) -> None:
    taken = runtime.names()
    if (
        not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        or TAKEN.match(name)
        or name in taken
        or name.startswith("nn_")
    ):
        raise CompileError(f"'{name}' cannot be the prefix of C names", hint="Choose another with --name.")
