"""From a trained Keras file to C for a microcontroller or Verilog for an FPGA.

from compiler import compile
build = compile("wavenet.h5", target="mcu")
y = build.run(x, on="emulator")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.errors import CheckError, CompileError
from compiler.version import __version__

if TYPE_CHECKING:
    from compiler.build import Build
    from compiler.options import Options, Target

__all__ = ["Build", "CheckError", "CompileError", "Options", "__version__", "compile"]


def compile(
    model: Any,
    target: Target,
    *,
    out: str | Path | None = None,
    name: str | None = None,
    weights: str | Path | None = None,
    calibrate: Any = None,
    **options: Any,
) -> Build:
    """Compiles a Keras model into a folder that stands by itself.

    Args:
        model: A `.h5`, `.keras` or `.json` file, or a Keras model in memory.
        target: "mcu" for C, "fpga" for Verilog.
        out: The folder to write; build/<stem>-<target> by default. An older build there is replaced.
        name: What every symbol and file name begins with; the file's stem, or the model's name, by default.
        weights: The `.h5` file with the weights of a `.json` model.
        calibrate: What a fixed-point build takes the ranges of its values from: a .npy, .wav or .npz file as --input
            takes it, or arrays as `Build.run` takes them.
        **options: The fields of `Options`: numbers, bits, input_range, kernels, multipliers, ...

    Returns:
        The finished build.

    Raises:
        CompileError: Naming file, layer and key; nothing is written then.
    """
    # Here, so that running a finished build does without h5py.
    from compiler import build, keras_file, lowering, names, passes, pipeline, progress, targets
    from compiler import folder as folders

    is_file = isinstance(model, str | Path)
    if weights is not None and not is_file:
        raise CompileError("weights= does nothing for a model in memory, which has its own", hint="Leave it out.")
    stem = Path(model).stem if is_file else str(getattr(model, "name", "model"))
    wanted = _options(target, options, calibrate)
    name = names.build_name(name or stem, targets.TARGETS[target].reserved_names())
    folder = Path(out) if out else Path("build") / f"{stem}-{target}"
    folders.check_replaceable(folder)
    try:
        spec = keras_file.read(model, weights) if is_file else keras_file.from_model(model)
        progress.now("lowering its layers")
        lowered = passes.run(lowering.lower(spec, name), passes.prepare())
        progress.now("simplifying the graph")
        finished = pipeline.finish(lowered, wanted, calibrate)
        # The weights in every form they had on the way are several times their size; the last form is enough.
        spec = replace(spec, layers=())
        del lowered
        return build.write(folder, finished, wanted, spec)
    except CompileError as error:
        error.file = error.file or (str(model) if is_file else stem)
        raise


def _options(target: Target, given: Mapping[str, Any], calibrate: Any) -> Options:
    """Data to calibrate with are there to be used, unless it is said that they are to be looked at alone."""
    from compiler.options import Options

    options = Options(target=target, **given)
    if calibrate is None and options.headroom == "calibrated":
        hint = "Give them with --calibrate: a .npy, .npz or .wav file."
        raise CompileError("--headroom calibrated needs data", hint=hint)
    if calibrate is not None and not options.fixed:
        raise CompileError(
            "--calibrate does nothing in floating point, which this build computes in",
            hint="Give --numbers fixed as well, or leave it out.",
        )
    if calibrate is not None and given.get("headroom") is None:
        options = Options(target=target, **{**given, "headroom": "calibrated"})
    return options


def __getattr__(name: str) -> Any:
    # A command imports this package before it can catch anything: what takes time waits until it is asked for.
    if name in ("Build", "Options"):
        return getattr(import_module(f"compiler.{name.lower()}"), name)
    raise AttributeError(f"module 'compiler' has no attribute '{name}'")
