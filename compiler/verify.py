"""python -m compiler.verify BUILD: checks a finished build against its graph, without generating it anew."""

from __future__ import annotations

import argparse

from compiler import cli
from compiler.build import Build

EPILOG = """The input is made of noise from reset on, zeros, steps, full scale and quiet noise. C runs on this
machine in blocks of several lengths and on an emulated Cortex-M7; Verilog runs in a simulator, at full
speed and with random stalls. What differs is named: layer, channel, sample.

exit codes: 0 all equal, 1 something differs, 2 no build"""


def command() -> int:
    """Reads the command line and verifies."""
    p = argparse.ArgumentParser(
        prog="python -m compiler.verify",
        description="Runs a finished build everywhere it runs and compares it with its graph.",
        epilog=EPILOG,
        formatter_class=cli.Help,
    )
    p.add_argument("build", help="the folder that python -m compiler wrote")
    p.add_argument("--samples", type=int, metavar="N", help="length of the input; default 2,000 samples or 32 frames")
    p.add_argument("--seed", type=int, default=0, metavar="S", help="of the noise and of the stalls")
    given = p.parse_args()
    if given.samples is not None and given.samples < 1:
        p.error("--samples: at least 1")
    return cli.print_checks(Build.open(given.build), given.samples, given.seed)


if __name__ == "__main__":
    cli.main(command)
