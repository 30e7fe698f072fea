"""`python -m zoo train | evaluate | show metric_learning`."""

import argparse
from pathlib import Path

from zoo.arguments import folder, seed, whole
from zoo.command import System, Verb
from zoo.datasets import IMAGES
from zoo.metric_learning.recipe import RECIPES
from zoo.quiet import quiet_import

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


def _out_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=folder,
        metavar="DIR",
        default=Path("build/zoo/metric_learning"),
        help="folder of the files (default: build/zoo/metric_learning)",
    )


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out_argument(parser)
    parser.add_argument("--recipe", choices=list(RECIPES), default="best", help="how to train (default: best)")
    parser.add_argument("--data", choices=list(IMAGES), default="cifar10", help="which images (default: cifar10)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="seeds weights and batches (default: 0)")
    parser.add_argument("--epochs", type=whole, metavar="N", help="how long to train (default: published 20, best 14)")
    parser.add_argument(
        "--batches",
        type=whole,
        metavar="N",
        help="batches in an epoch (default: published 1,000, best as many as the images make)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        help="of the best recipe (default: bfloat16 where the processor has instructions for it, else float32)",
    )


def _train(arguments: argparse.Namespace) -> None:
    from dataclasses import replace

    if arguments.precision and arguments.recipe != "best":
        raise ValueError("--precision goes with --recipe best")
    images = IMAGES[arguments.data]()
    with quiet_import(fast_convolutions=True):
        from zoo.metric_learning.evaluation import table
        from zoo.metric_learning.experiment import train

    chosen = {key: getattr(arguments, key) for key in ("epochs", "batches", "precision")}
    recipe = replace(RECIPES[arguments.recipe], **{key: value for key, value in chosen.items() if value is not None})
    trained = train(images, recipe, seed=arguments.seed, out=arguments.out, report=lambda line: print(line, flush=True))
    print(f"\n{table(trained.scores, f'{len(images.y_test):,} test images')}")
    print(
        f"\n{arguments.out}: {', '.join(path.name for path in trained.files.values())}   "
        f"(training: {trained.seconds:.0f} s, processor {trained.cpu_seconds:.0f} s)"
    )


def _evaluate(arguments: argparse.Namespace) -> None:
    with quiet_import(fast_convolutions=True):
        from zoo.metric_learning.evaluation import table
        from zoo.metric_learning.experiment import evaluate
    rows, caption = evaluate(arguments.out)
    print(f"{caption}\n\n{table(rows)}")


def _show(arguments: argparse.Namespace) -> None:
    with quiet_import(fast_convolutions=True):
        from zoo.metric_learning.experiment import show
    for path in show(arguments.out):
        print(path)


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(_TRAINING, _FILES, _train_arguments, _train),
        "evaluate": Verb(
            "Measures a trained network by nearest neighbours among the test images, beside raw pixels.",
            "R@k: one of the k nearest is of the query's class. P@10: share of the ten nearest. R-prec: share of the "
            "R nearest,\nR being how many there are of the class. MAP@R: mean average precision up to R.",
            _out_argument,
            _evaluate,
        ),
        "show": Verb(
            "Draws neighbours.png, a query of each class and what is nearest to it, and confusion.png, which classes\n"
            "neighbours have; and prints where they are.",
            "Frames are green around neighbours of the query's class and red around others.",
            _out_argument,
            _show,
        ),
    },
)
