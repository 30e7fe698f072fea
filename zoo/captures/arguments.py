"""The arguments of the commands that import files."""

import argparse
from pathlib import Path

from zoo.arguments import written

EPILOG = """\
The file is a Keras 3 model like any other, and keeps what it is made of: sample rate, loudness, gain, names.

examples
  python -m zoo import {name} {file}
  python -m compiler {stem}.keras --target mcu --verify
"""


def add_file(parser: argparse.ArgumentParser, example: str) -> None:
    """The file, and where the model goes."""
    parser.add_argument("file", type=Path, metavar="FILE", help=f"to read, as {example}")
    parser.add_argument(
        "--out", type=written, metavar="FILE.keras", help="to write (default: beside the other, ending with .keras)"
    )
