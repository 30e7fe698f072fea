"""`python -m zoo train | evaluate | show line`."""

import argparse

from zoo.arguments import add_out, add_seed, whole
from zoo.command import GOES_ON, System, Verb

_SUMMARY = "y = mx + b in five steps: pure functions, compiled, data parallel, Keras, an ensemble; all meet one answer"

_TRAINING = """\
Fits y = mx + b five times: by gradient and update as pure functions in numpy, by the same functions compiled, by the
same on several devices, by a Keras layer and optimizer, and by several lines as one model. All must end at the answer
of the normal equation. It is done for x from -1 to 1, and for x from 1 to 1.001 as it is, centred, and centred and
scaled, which takes from two steps to some 90,000: about two minutes of processor time.
"""

_FILES = """\
The folder then holds
  line.keras, line.h5   the line of the Keras layer for x from -1 to 1, ready to be compiled
  lines.json            where every method ended
  history.csv           loss of that layer, epoch by epoch
  line.png              points, lines, and how far from the answer each step is

examples
  python -m zoo train line
  python -m zoo train line --devices 8 --points 100
  python -m compiler build/zoo/line/line.h5 --target fpga --verify
"""


def _out(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/line")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
    add_seed(parser, "of points and ensemble")
    parser.add_argument("--points", type=whole, metavar="N", help="how many (default: 64)")
    parser.add_argument("--noise", type=float, metavar="R", help="deviation of y over that of x (default: 0.1)")
    parser.add_argument("--devices", type=whole, metavar="N", help="that share the points (default: 4)")
    parser.add_argument("--members", type=whole, metavar="N", help="lines in the ensemble (default: 5)")


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.line.experiment.train_command",
            _train_arguments,
            reports=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            "How far from the normal equation each method ended, how many steps it took, and how many it would have\n"
            "taken without momentum; beside it, how far numpy.linalg.lstsq is.",
            "Distances are the greater one of slope and intercept, in the x that was trained on.",
            "zoo.line.experiment.evaluate",
            _out,
        ),
        "show": Verb(
            "Draws points, lines, and how far from the answer each step is, as line.png, and prints where it is.",
            "",
            "zoo.line.experiment.show",
            _out,
        ),
    },
)
