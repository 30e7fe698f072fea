"""python -m compiler.verify BUILD: checks a finished build against its graph, without generating it anew."""

from __future__ import annotations

if __name__ == "__main__":
    from compiler.signals import end_quietly

    end_quietly()
    from compiler.cli import main

    main("compiler.verify")  # once more under this name, where an interrupt during the imports below is caught

import argparse

from compiler import cli, progress, saturation, tables
from compiler.build import Build
from compiler.verification import verify

EPILOG = """The input is made of noise from reset on, zeros, steps, full scale and quiet noise. C runs on this
machine in blocks of several lengths and on the emulated board; Verilog runs in a simulator, at full
speed and with random stalls. What differs is named: layer, channel, sample.

Only a build that is as the compiler wrote it is run, as its report.json says; see --trust-changes.

exit codes: 0 all equal, 1 something differs, 2 no build or a missing tool"""


def parser() -> argparse.ArgumentParser:
    """The command line, which is its own manual."""
    p = cli.Parser(
        prog="python -m compiler.verify",
        description="Runs a finished build everywhere it runs and compares it with its graph.",
        epilog=EPILOG,
    )
    p.add_argument("build", help="the folder that python -m compiler wrote")
    p.add_argument(
        "--samples", type=cli.whole, metavar="N", help="length of the input; default 2,000 samples or 32 frames"
    )
    p.add_argument("--seed", type=cli.whole, default=0, metavar="S", help="seed of the random input and stalls")
    cli.add_trust(p)
    p.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")
    return p


def command() -> int:
    """Reads the command line and verifies."""
    given = parser().parse_args()
    return print_checks(
        Build.open(given.build, trust_changes=given.trust_changes), given.samples, given.seed, quiet=given.quiet
    )


def print_checks(build: Build, samples: int | None = None, seed: int = 0, *, quiet: bool = False) -> int:
    """Verifies a build, printing each check as it ends; the exit code."""
    failed = 0
    with progress.shown(not quiet):
        for number, check in enumerate(verify(build, samples=samples, seed=seed)):
            if not quiet and not number:
                cli.say(tables.check_heading())
            failed += not check.passed
            if not quiet or not check.passed:
                cli.say(tables.check_line(check))
    for note in () if quiet else saturation.notes(saturation.reported(build.report), build.graphs):
        cli.say(f"note: in this check, {note}")
    return cli.CHECK_FAILED if failed else cli.DONE
