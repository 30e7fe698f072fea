"""python -m compiler.run BUILD --input x --output y --on WHERE: runs a finished build on samples from a file."""

from __future__ import annotations

if __name__ == "__main__":
    from compiler.signals import end_quietly

    end_quietly()
    from compiler.cli import main

    main("compiler.run")  # once more under this name, where an interrupt during the imports below is caught

import argparse
import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from compiler import cli, progress, samples, saturation, verification
from compiler.build import Build
from compiler.errors import CheckError, CompileError
from compiler.targets import RUNS_ON

EPILOG = """x is one stream, (samples, channels), or several, (n, samples, channels), each run from reset; y has
the same leading axes. A control, an input without time beside others with it, has one value a stream, (channels,) or
(n, channels). A .wav holds one stream, full scale being 1; its rate must be that of the build.

Numbers, set apart by commas, stand for an input that does not change: a knob. Behind a file they are further
channels of it; alone they are one sample.

examples:
  python -m compiler.run build/wavenet-mcu --input x.npy --output y.npy --on emulator
  python -m compiler.run build/wavenet-mcu --input x.wav,0.3,0.7 --output y.wav
  python -m compiler.run build/amp-mcu --input audio=x.wav --input knobs=0.3,0.7 --output y.wav --on host
  python -m compiler.run build/wavenet-fpga --input x.npy --on rtl --against reference

A build is code. It is run only as the compiler wrote it: the files that report.json lists, with the SHA-256 that stands
there; what else lies in the folder takes no part. Say --trust-changes where you have changed it yourself.

exit codes: 0 done, 1 --against found a difference, 2 bad input or a missing tool"""


def parser() -> argparse.ArgumentParser:
    """The command line, which is its own manual."""
    p = cli.Parser(
        prog="python -m compiler.run",
        description="Runs a finished build: in numpy, as C here, as C on an emulated board, or as Verilog.",
        epilog=EPILOG,
    )
    p.add_argument("build", help="the folder that python -m compiler wrote")
    p.add_argument(
        "--input",
        required=True,
        action="append",
        metavar="[NAME=]X",
        help=".npy, .npz, .wav or numbers; once for each input of the model, or one .npz with an array for each",
    )
    p.add_argument("--output", type=Path, metavar="Y", help=".npy, .npz or .wav, at the rate of a .wav that came in")
    p.add_argument("--on", choices=RUNS_ON, default="reference", help="where it runs")
    p.add_argument("--raw", action="store_true", help="x and y are the integers of a fixed-point build")
    p.add_argument(
        "--resample", action="store_true", help="bring a .wav of another rate to that of the build, and y back"
    )
    p.add_argument("--layers", type=Path, metavar="ALL.npz", help="also write what every layer computes")
    p.add_argument("--against", choices=RUNS_ON, help="run there too, and name the first difference")
    cli.add_trust(p)
    p.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")
    return p


def command() -> int:
    """Reads the command line, runs, compares."""
    p = parser()
    given = p.parse_args()
    if not (given.output or given.layers or given.against):
        p.error("nothing to do: give --output, --layers or --against")
    if given.against == given.on:
        p.error(f"--on {given.on} --against {given.against} compares a run with itself: give two places")
    build = Build.open(given.build, trust_changes=given.trust_changes)
    if given.raw and not build.fixed:
        raise CompileError("--raw is for fixed-point builds, and this one computes in float", file=given.build)
    if given.output:
        samples.check_output(given.output, build.graph.output_names)
    if given.layers:
        samples.check_output(given.layers)
    rate = build.report["sample_rate_hz"] or 48_000
    loaded, xs = _inputs(build, given, rate)
    total, unit = sum(len(one[0]) for one in build.as_streams(xs)[0]), "samples" if build.streams else "frames"
    seen = functools.partial(progress.stage, total=total, unit=unit)
    with progress.shown(not given.quiet):
        if given.output:
            with seen(f"running on {given.on}"), _unchecked():
                y = build.run(xs, given.on, raw=given.raw)
            if given.resample:
                y = samples.back(y, build.graph, rate, loaded.rate, loaded.length)
            samples.save(given.output, y, loaded.rate or rate)
        _note_saturation(build, xs, given)
        if given.layers:
            with seen(f"running every layer on {given.on}"), _unchecked():
                layers = build.layers(xs, given.on, raw=given.raw)
            samples.save_arrays(given.layers, layers)
        if given.against:
            with seen(f"comparing {given.on} and {given.against}"):
                return _compare(build, xs, given)
    return cli.DONE


def _inputs(build: Build, given: argparse.Namespace, rate: int) -> tuple[samples.Loaded, list[np.ndarray]]:
    """What --input names, and its arrays checked against the build, at its rate, and the other options."""
    loaded = samples.load(given.input, build.graph, rate, resample=given.resample)
    if given.resample and loaded.rate in (None, rate):
        raise CompileError(
            f"--resample does nothing: no .wav among the inputs has another rate than {rate:,}", hint="Leave it out."
        )
    try:
        xs = build.inputs(loaded.inputs)
    except CompileError as error:
        error.file = given.input[0] if len(given.input) == 1 else None
        raise
    if given.raw and any(x.dtype.kind not in "iu" for x in xs):
        raise CompileError("--raw needs whole numbers, and these are not", file=given.input[0])
    if given.output and given.output.suffix.lower() == ".wav" and (given.raw or build.as_streams(xs)[1]):
        raise CompileError("a .wav holds one stream of real numbers", file=str(given.output), hint="Write a .npy.")
    return loaded, xs


@contextlib.contextmanager
def _unchecked() -> Iterator[None]:
    """Where nothing is compared, a build that does not run is no failed check."""
    try:
        yield
    except CheckError as error:
        raise CompileError(str(error)) from None


def _note_saturation(build: Build, xs: list[np.ndarray], given: argparse.Namespace) -> None:
    """Says what a fixed-point build cuts off; under --quiet, of the inputs alone, for that is a mistake."""
    if build.fixed:
        found = saturation.count(build.graph, build.as_streams(xs)[0], raw=given.raw)
        for note in saturation.notes([one for one in found if one.seen or not given.quiet], build.graphs):
            cli.say(f"note: {note}")


def _compare(build: Build, xs: list[np.ndarray], given: argparse.Namespace) -> int:
    batches, _ = build.as_streams(xs)
    if not batches or not len(batches[0][0]):
        raise CompileError("there is nothing to compare: the input is empty", file=given.input[0])
    for number, one in enumerate(batches):
        difference = verification.compare(build, one if given.raw else build.encode(one), given.on, given.against)
        if difference:
            which = f"stream {number}: " if len(batches) > 1 else ""
            cli.say(f"{which}{given.on} and {given.against}: {difference}")
            return cli.CHECK_FAILED
        progress.advance(len(one[0]))
    if not given.quiet:
        cli.say(f"{given.on} and {given.against} agree")
    return cli.DONE
