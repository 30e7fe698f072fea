"""`python -m zoo train | evaluate | show big_batch`."""

import argparse

from zoo.arguments import add_out, add_seed, rate, whole
from zoo.command import System, Verb

_SUMMARY = "How big can the batch be? SGD with momentum, Adam and Lamb, from 64 images to the whole set"

_TRAINING = """\
Trains a network of two hidden layers with batches of 64, 1,024 and the whole set, with SGD with momentum, Adam and
Lamb, for equal epochs and for equal steps. Each has a sweep of its own over three learning rates, and a warm-up over a
tenth of the steps. Every image is there in all eight rotations and flips, made once before training.
"""

_FILES = """\
The folder then holds
  big_batch.keras   the best network of the first set
  results.json      every training
  big_batch.png     accuracy by batch

examples
  python -m zoo train big_batch --data landsat
"""


def _out(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/big_batch")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
    parser.add_argument(
        "--data",
        choices=("both", "landsat", "cifar10", "stand-in"),
        default="both",
        help="landsat from $ZOO_DATA, cifar10, both, or made-up patches (default: both)",
    )
    add_seed(parser, "of the first training")
    parser.add_argument("--epochs", type=whole, metavar="N", help="of trainings of equal epochs (default: 3)")
    parser.add_argument("--steps", type=whole, metavar="N", help="of trainings of equal steps (default: 100)")
    parser.add_argument("--batch-size", type=whole, metavar="N", help="images in the smallest batch (default: 64)")
    parser.add_argument("--middle", type=whole, metavar="N", help="images in the middle batch (default: 1024)")
    parser.add_argument("--learning-rate", type=rate, metavar="R", help="factor on all rates tried (default: 1)")
    parser.add_argument("--units", type=whole, metavar="N", help="of each hidden layer (default: 64)")
    parser.add_argument("--seeds", type=whole, metavar="N", help="trainings with the chosen rate (default: 3)")


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.big_batch.experiment.train_command",
            _train_arguments,
            reports=True,
        ),
        "evaluate": Verb(
            "Accuracy, images a second and time to an accuracy by set, batch and optimizer; what augmentation costs.",
            "The accuracy is the best of ten looks at the validation images.",
            "zoo.big_batch.experiment.evaluate",
            _out,
        ),
        "show": Verb(
            "Draws accuracy by batch as big_batch.png, and prints where it is.",
            "",
            "zoo.big_batch.experiment.show",
            _out,
        ),
    },
)
