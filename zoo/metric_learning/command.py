"""`python -m zoo train | evaluate | show metric_learning`."""

import argparse

from zoo.arguments import add_images, add_out, add_recipe, add_seed, whole
from zoo.command import GOES_ON, System, Verb
from zoo.metric_learning.recipe import RECIPES, Recipe

_SUMMARY = "Metric learning: images in, embeddings out whose distance says what looks alike; with a search index"

_TRAINING = """\
Trains a network whose embeddings lie close to each other for images of one class, and measures it by nearest
neighbours among the test images.

  --recipe published   the keras.io example: three convolutions, 8 dimensions, softmax over pairs; 94,280 parameters
  --recipe best        a residual network, 64 dimensions, normalised softmax over class proxies; 608,432 parameters

The best recipe takes two cores five minutes where there are instructions for bfloat16, and about twelve where there are
not. With --epochs 5 it takes those four minutes, and R@1 on CIFAR-10 is .69 instead of .78.
CIFAR-10 is read from $ZOO_DATA, else downloaded. `--data digits` needs neither, and seconds instead of minutes.
"""

_FILES = """\
The folder then holds
  embedding.keras, embedding.h5   the network, pixels of 0..255 in, ready to be loaded or compiled
  history.csv                     loss and rate, epoch by epoch
  index/                          the test images' embeddings and labels, for zoo.metric_learning.index.Index.load
  about.json                      recipe, data and seed
and the screen shows how good the neighbours are, beside those that the pixels alone would find.

examples
  python -m zoo train metric_learning
  python -m zoo train metric_learning --recipe published --seed 1
  python -m zoo train metric_learning --data digits --epochs 3 --out /tmp/digits
"""


def _out(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/metric_learning")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
    parser.add_argument("--recipe", choices=list(RECIPES), default="best", help="how to train (default: best)")
    add_images(parser)
    add_seed(parser, "seeds weights and batches")
    add_recipe(
        parser,
        Recipe,
        epochs="published 20, best 14",
        batch_size="published 20, best 130",
        learning_rate="published 0.001, best 0.1",
        precision="published float32; best mixed_bfloat16 where the processor has instructions for it, else float32",
    )
    parser.add_argument(
        "--batches",
        type=whole,
        metavar="N",
        help="batches in an epoch (default: published 1,000, best as many as the images make)",
    )


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.metric_learning.experiment.train_command",
            _train_arguments,
            reports=True,
            fast_convolutions=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            "Measures a trained network by nearest neighbours among the test images, beside raw pixels.",
            "R@k: one of the k nearest is of the query's class. P@10: share of the ten nearest. R-prec: share of the "
            "R nearest,\nR being how many there are of the class. MAP@R: mean average precision up to R.",
            "zoo.metric_learning.experiment.evaluate",
            _out,
            fast_convolutions=True,
        ),
        "show": Verb(
            "Draws neighbours.png, a query of each class and what is nearest to it, and confusion.png, which classes\n"
            "neighbours have; and prints where they are.",
            "Frames are green around neighbours of the query's class and red around others.",
            "zoo.metric_learning.experiment.show",
            _out,
            fast_convolutions=True,
        ),
    },
)
