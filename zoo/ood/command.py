"""`python -m zoo train | evaluate | show ood`."""

import argparse
from pathlib import Path

from zoo.arguments import add_images, add_out, add_recipe, seed, whole
from zoo.command import GOES_ON, System, Verb
from zoo.ood.recipe import Recipe

OUTLIERS_EPILOG = """\
AUROC: chance that an outlier scores higher than a test image; 50 is a coin, 100 is perfect.
FPR95: outliers that pass where 95% of the test images pass; lower is better."""
"""What the columns of a table of detectors mean."""

_SUMMARY = "Out-of-distribution detection: twelve ways to tell images of classes that were never trained on"

_TRAINING = """\
Fits detectors of outliers to a classifier: entropy, entropy density, max softmax, max logit, energy, ODIN, Mahalanobis,
k-NN, ViM, ReAct, ASH and, given several classifiers, their disagreement. None of them sees an outlier.

The classifier has been trained on all but two classes of an image set (cifar10: all but automobile and cat). It is
either given with --model, or trained here: two small residual networks, quickly rather than well, in some seven
minutes on two cores (digits: half a minute).
"""

_FILES = """\
The folder then holds
  classifier-0.keras ...   the classifiers
  detectors/*.npz          what each detector has learnt
  about.json               which images they were fitted to

examples
  python -m zoo train ood --data digits
  python -m zoo train ood --model build/zoo/calibration/seed?/cross-entropy/model.keras
  python -m zoo evaluate ood
"""


def _out(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/ood")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
    add_images(parser)
    parser.add_argument(
        "--model",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="classifiers trained on the training split of the same --data, such as `python -m zoo train calibration` "
        "leaves behind; several are an ensemble",
    )
    parser.add_argument("--members", type=whole, metavar="N", help="how many classifiers to train (default: 2)")
    add_recipe(
        parser,
        Recipe,
        epochs="cifar10 6, digits 12",
        batch_size="128",
        learning_rate="0.003",
    )
    parser.add_argument("--seed", type=seed, metavar="N", help="of the training (default: 0)")


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.ood.experiment.train_command",
            _train_arguments,
            reports=True,
            fast_convolutions=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            "A row for each detector: AUROC, AUPR in and out, and FPR95, on classes never seen (hard) and on random\n"
            "images (easy), beside k-NN on the pixels themselves.",
            OUTLIERS_EPILOG,
            "zoo.ood.experiment.evaluate",
            _out,
            fast_convolutions=True,
        ),
        "show": Verb(
            "Draws ROC and precision-recall curves, histograms of every score, and how far the probabilities of the\n"
            "entropy classifier can be believed, as ood.png, and prints where it is.",
            "",
            "zoo.ood.experiment.show",
            _out,
            fast_convolutions=True,
        ),
    },
)
