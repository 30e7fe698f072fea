"""From a trained Keras file to C for a microcontroller or Verilog for an FPGA.

from compiler import compile
build = compile("wavenet.h5", target="mcu")
y = build.run(x, on="emulator")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compiler.build import Build
from compiler.errors import CheckError, CompileError
from compiler.options import Options, Target

__version__ = "0.1.0"
__all__ = ["Build", "CheckError", "CompileError", "Options", "compile"]


def compile(
    path: str | Path, target: Target, *, out: str | Path | None = None, name: str | None = None, **options: Any
) -> Build:
    """Compiles a Keras file into a folder that stands by itself.

    Args:
        path: A `.h5` or `.keras` file.
        target: "mcu" for C, "fpga" for Verilog.
        out: The folder to write; build/<stem>-<target> by default. An older build there is replaced.
        name: What every symbol and file name begins with; the file's stem by default.
        **options: The fields of `Options`: numbers, bits, input_range, kernels, multipliers, ...

    Returns:
        The finished build.

    Raises:
        CompileError: Naming file, layer and key; nothing is written then.
    """
    # Here, so that running a finished build does without h5py.
    from compiler import build, keras_file, lowering, names, passes

    path, wanted = Path(path), Options(target=target, **options)
    name = names.build_name(name or path.stem, build.target_module(target).taken_names())
    folder = Path(out) if out else Path("build") / f"{path.stem}-{target}"
    build.check_replaceable(folder)
    try:
        model = keras_file.read(path)
        simple = passes.run(lowering.lower(model, name), passes.simplify())
        graphs = {"float": passes.run(simple, passes.finish_float())}
        if wanted.fixed:
            fixed = passes.FixedOptions(wanted.bits, wanted.weight_bits, wanted.rounding, wanted.input_range)
            graphs["fixed"] = passes.run(simple, passes.finish_fixed(fixed))
        return build.write(folder, graphs, wanted, model)
    except CompileError as error:
        error.file = error.file or str(path)
        raise
