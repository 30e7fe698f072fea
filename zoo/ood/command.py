"""`python -m zoo train | evaluate | show ood`."""

import argparse
from pathlib import Path

from zoo.arguments import add_images, add_out, seed, whole
from zoo.command import System, Verb
from zoo.quiet import quiet_import

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


def _folder_argument(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/ood")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _folder_argument(parser)
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
    parser.add_argument(
        "--epochs", type=whole, metavar="N", help="how long to train each (default: cifar10 6, digits 12)"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the training (default: 0)")


def _train(arguments: argparse.Namespace) -> None:
    if arguments.model and (arguments.members or arguments.epochs):
        raise ValueError("--members and --epochs are for classifiers that are trained here, not given with --model")
    with quiet_import(fast_convolutions=True):
        from zoo.ood.experiment import train
    train(
        arguments.out,
        models=arguments.model or (),
        data=arguments.data,
        members=arguments.members or 2,
        epochs=arguments.epochs,
        seed=arguments.seed,
        report=lambda line: print(line, flush=True),
    )
    print(f"\n{arguments.out}: classifiers and detectors; python -m zoo evaluate ood measures them")


def _evaluate(arguments: argparse.Namespace) -> None:
    with quiet_import(fast_convolutions=True):
        from zoo.ood.experiment import measure, report_of
    print(report_of(measure(arguments.out)))


def _show(arguments: argparse.Namespace) -> None:
    with quiet_import(fast_convolutions=True):
        from zoo.ood.experiment import show
    print(show(arguments.out))


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(_TRAINING, _FILES, _train_arguments, _train),
        "evaluate": Verb(
            "A row for each detector: AUROC, AUPR in and out, and FPR95, on classes never seen (hard) and on random\n"
            "images (easy), beside k-NN on the pixels themselves.",
            "AUROC: chance that an outlier scores higher than a test image; 50 is a coin, 100 is perfect.\n"
            "FPR95: outliers that pass where 95% of the test images pass; lower is better.",
            _folder_argument,
            _evaluate,
        ),
        "show": Verb(
            "Draws ROC and precision-recall curves, histograms of every score, and how far the probabilities of the\n"
            "entropy classifier can be believed, as ood.png, and prints where it is.",
            "",
            _folder_argument,
            _show,
        ),
    },
)
