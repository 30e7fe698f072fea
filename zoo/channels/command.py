"""`python -m zoo train | evaluate | show channels`."""

import argparse

from zoo.arguments import add_out, add_recipe, add_seed, rate, whole
from zoo.channels.recipe import Recipe
from zoo.command import GOES_ON, System, Verb

_SUMMARY = "Which channels, at which resolution, a classifier needs: six searches with one interface, pruning"

_TRAINING = """\
Trains classifiers that may do without any of their channels, because channels were dropped in training, beside plain
ones; lets several searches choose channels and resolutions; cuts the channels that three of the choices do not use out
of the network, and fine-tunes it. The accuracy that counts is that of images which neither training nor search has
seen.
"""

_FILES = """\
The folder then holds
  channels.keras    the classifier; `import zoo.registered` before it is loaded
  pruned-*.keras    three choices from cheap to dear, ready to be compiled
  results.json      every table
  channels.png      the choices and their fronts, the channels

examples
  python -m zoo train channels
  python -m zoo train channels --data cifar10 --epochs 10 --judged 256
  python -m compiler build/zoo/channels/pruned-1.keras --target mcu --verify
"""


def _out(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/channels")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
    parser.add_argument(
        "--data",
        choices=("landsat", "cifar10", "stand-in"),
        default="landsat",
        help="landsat from $ZOO_DATA, cifar10, or made-up patches (default: landsat)",
    )
    add_seed(parser, "of the first training")
    add_recipe(parser, Recipe, epochs="40", batch_size="64", learning_rate="0.003")
    parser.add_argument("--dropout", type=rate, metavar="R", help="of channels, between 0 and 1 (default: 0.5)")
    parser.add_argument("--filters", type=whole, metavar="N", help="of each convolution (default: 16)")
    parser.add_argument("--seeds", type=whole, metavar="N", help="trainings, and runs of each search (default: 3)")
    parser.add_argument("--evaluations", type=whole, metavar="N", help="of each search (default: 2000)")
    parser.add_argument("--population", type=whole, metavar="N", help="of the genetic searches (default: 40)")
    parser.add_argument("--judged", type=whole, metavar="N", help="images that judge a choice (default: 1000)")


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.channels.experiment.train_command",
            _train_arguments,
            reports=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            "What a dropped channel costs with and without dropout, what the searches found, and three choices pruned.",
            "Hypervolume: the area beaten below the loss of no channel at all and the cost of all of them.",
            "zoo.channels.experiment.evaluate",
            _out,
        ),
        "show": Verb(
            "Draws the choices with the front of each search and the channels as channels.png, and prints where it is.",
            "",
            "zoo.channels.experiment.show",
            _out,
        ),
    },
)
