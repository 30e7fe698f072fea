"""`python -m zoo import nam`."""

import argparse

from zoo.captures.arguments import EPILOG, add_file
from zoo.command import System, Verb


def _size(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_file(parser, "amp.nam")
    parser.add_argument(
        "--size",
        type=_size,
        default=1.0,
        metavar="S",
        help="of a file with several widths, 0 the narrowest to 1 the widest (default: 1)",
    )


SYSTEM = System(
    "captures of Neural Amp Modeler (.nam): WaveNets of both generations, LSTMs",
    {
        "import": Verb(
            "Makes a Keras model of a .nam file: WaveNet in all its sizes, with gates, heads and the containers that\n"
            "hold several widths, and LSTM. What is not understood in a file is refused by its name.",
            EPILOG.format(name="nam", file="amp.nam", stem="amp"),
            "zoo.captures.nam.importing.import_command",
            _arguments,
        ),
    },
)
