"""python -m compiler.run BUILD --input x --output y --on WHERE: runs a finished build on samples from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from compiler import checks, cli
from compiler.build import Build
from compiler.errors import CompileError

EPILOG = """x is one stream, (samples, channels), or several, (n, samples, channels), each run from reset; y has
the same leading axes. A .wav holds one stream, full scale being 1.

examples:
  python -m compiler.run build/wavenet-mcu --input x.npy --output y.npy --on emulator
  python -m compiler.run build/wavenet-fpga --input x.npy --on rtl --against reference

exit codes: 0 done, 1 --against found a difference, 2 bad input"""


def command() -> int:
    """Reads the command line, runs, compares."""
    p = argparse.ArgumentParser(
        prog="python -m compiler.run",
        description="Runs a finished build: in numpy, as C here, as C on an emulated Cortex-M7, or as Verilog.",
        epilog=EPILOG,
        formatter_class=cli.Help,
    )
    places = ("reference", "host", "emulator", "rtl")
    p.add_argument("build", help="the folder that python -m compiler wrote")
    p.add_argument("--input", required=True, type=Path, metavar="X", help=".npy, .npz or .wav")
    p.add_argument("--output", type=Path, metavar="Y", help=".npy, .npz or .wav")
    p.add_argument("--on", choices=places, default="reference", help="where it runs")
    p.add_argument("--raw", action="store_true", help="x and y are the integers of a fixed-point build")
    p.add_argument("--layers", type=Path, metavar="ALL.npz", help="also write what every layer computes")
    p.add_argument("--against", choices=places, help="run there too, and name the first difference")
    given = p.parse_args()
    if not (given.output or given.layers or given.against):
        p.error("nothing to do: give --output, --layers or --against")
    build = Build.open(given.build)
    if given.raw and not build.fixed:
        raise CompileError("--raw is for fixed-point builds", file=given.build)
    x = cli.load_samples(given.input)
    if given.raw and x.dtype.kind not in "iu":
        raise CompileError(f"--raw needs integers, not {x.dtype}", file=str(given.input))
    if given.output:
        y = build.run(x, given.on, raw=given.raw)
        cli.save_samples(given.output, y, build.report["sample_rate_hz"] or 48_000)
    if given.layers:
        if x.ndim != 2:
            raise CompileError("--layers takes one stream, (samples, channels)", file=str(given.input))
        given.layers.parent.mkdir(parents=True, exist_ok=True)
        np.savez(given.layers, **build.layers(x, given.on))
    return _compare(build, x, given) if given.against else cli.DONE


def _compare(build: Build, x: np.ndarray, given: argparse.Namespace) -> int:
    streams = x if x.ndim == 3 else x[None]
    for number, stream in enumerate(streams):
        own = stream if given.raw or not build.fixed else build.quantize(stream)
        difference = checks.compare(build, own, given.on, given.against)
        if difference:
            which = f"stream {number}: " if len(streams) > 1 else ""
            print(f"{which}{given.on} and {given.against}: {difference}")
            return cli.CHECK_FAILED
    print(f"{given.on} and {given.against} agree")
    return cli.DONE


if __name__ == "__main__":
    cli.main(command)
