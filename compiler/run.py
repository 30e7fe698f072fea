"""python -m compiler.run BUILD --input x --output y --on WHERE: runs a finished build on samples from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from compiler import cli, verification
from compiler.build import Build
from compiler.errors import CompileError

EPILOG = """x is one stream, (samples, channels), or several, (n, samples, channels), each run from reset; y has
the same leading axes. A control, an input without time beside others with it, has one value a stream, (channels,) or
(n, channels). A .wav holds one stream, full scale being 1.

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
    p.add_argument(
        "--input",
        required=True,
        action="append",
        metavar="[NAME=]X",
        help=".npy, .npz or .wav; once for each input of the model, or one .npz with an array for each",
    )
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
    xs = build.inputs(cli.load_inputs(given.input))
    if given.raw and any(x.dtype.kind not in "iu" for x in xs):
        raise CompileError("--raw needs integers", file=given.input[0])
    rate = build.report["sample_rate_hz"] or 48_000
    if given.output:
        cli.save_outputs(given.output, build.run(xs, given.on, raw=given.raw), rate)
    if given.layers:
        cli.save_arrays(given.layers, build.layers(xs, given.on))
    return _compare(build, xs, given) if given.against else cli.DONE


def _compare(build: Build, xs: list[np.ndarray], given: argparse.Namespace) -> int:
    batches, _ = build.runs(xs)
    for number, one in enumerate(batches):
        difference = verification.compare(build, one if given.raw else build.own(one), given.on, given.against)
        if difference:
            which = f"stream {number}: " if len(batches) > 1 else ""
            print(f"{which}{given.on} and {given.against}: {difference}")
            return cli.CHECK_FAILED
    print(f"{given.on} and {given.against} agree")
    return cli.DONE


if __name__ == "__main__":
    cli.main(command)
