"""`python -m zoo train | evaluate | show calibration`."""

import argparse

from zoo.arguments import add_images, add_out, seed, whole
from zoo.command import System, Verb
from zoo.quiet import quiet_import

_SUMMARY = "Calibration: can a classifier's confidence be believed, and does it know what it was not trained on?"

_LOSSES = ("cross-entropy", "focal-1", "focal-2", "focal-3", "flsd-53", "mmce", "label-smoothing")

_TRAINING = """\
Trains a residual network with cross entropy and with focal losses, on all classes of an image set but two, and compares

  1. cross entropy as it is
  2. with its last layer refitted to images that it was not trained on
  3. with one temperature, found on those
  4. focal loss with gamma 1, 2 and 3, each with and without a temperature

by accuracy, likelihood and calibration error, beside the error that chance alone would leave; and by how well twelve
detectors tell images of the two classes held out (hard) and random images (easy) from the test images.

A training that is stopped goes on where it was when the same command is given again; finished ones are kept.
Eight trainings of the small network take two cores with AVX2 about 23 minutes, measuring them 6.
"""

_FILES = """\
The folder then holds
  calibration.txt         the table
  calibration.png         reliability diagrams, entropy histograms, every model's ECE and AUROC
  seed0/focal-1/ ...      a folder for each training: model.keras, calibrated.keras (a temperature in its last layer),
                          metrics.csv, measured.json
  device.keras            the first network with its temperature and outputs class, confidence and flag; the flag says
                          that an image's energy is above that of 95% of the validation images

examples
  python -m zoo train calibration
  python -m zoo train calibration --data digits --seeds 3
  python -m zoo train calibration --losses cross-entropy flsd-53 mmce label-smoothing --out build/zoo/losses
  python -m compiler build/zoo/calibration/device.keras --target mcu
"""


def _folder_argument(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/calibration")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _folder_argument(parser)
    add_images(parser)
    parser.add_argument(
        "--network",
        choices=("small", "resnet18"),
        default="small",
        help="small, for two cores, or ResNet-18, for an accelerator (default: small)",
    )
    parser.add_argument(
        "--losses",
        choices=_LOSSES,
        nargs="+",
        default=list(_LOSSES[:4]),
        metavar="LOSS",
        help=f"out of {', '.join(_LOSSES)}; the first is refitted too (default: the first four)",
    )
    parser.add_argument("--seeds", type=whole, default=2, metavar="N", help="how many of each (default: 2)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="the first seed (default: 0)")
    parser.add_argument(
        "--epochs", type=whole, metavar="N", help="epochs of each training (default: small 4, digits 12)"
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        help="mixed_bfloat16 is faster where there are instructions for it, else far slower (default: float32; "
        "resnet18, which is for an accelerator, mixed_bfloat16)",
    )


def _train(arguments: argparse.Namespace) -> None:
    if len(set(arguments.losses)) < len(arguments.losses):
        raise ValueError("--losses names a loss twice")
    with quiet_import(fast_convolutions=True):
        from zoo.calibration.experiment import train
    text = train(
        arguments.out,
        data=arguments.data,
        network=arguments.network,
        losses=arguments.losses,
        seeds=arguments.seeds,
        seed=arguments.seed,
        epochs=arguments.epochs,
        precision=arguments.precision,
        report=lambda line: print(line, flush=True),
    )
    print(f"\n{text}")


def _evaluate(arguments: argparse.Namespace) -> None:
    with quiet_import(fast_convolutions=True):
        from zoo.calibration.experiment import evaluate
    print(evaluate(arguments.out))


def _show(arguments: argparse.Namespace) -> None:
    with quiet_import(fast_convolutions=True):
        from zoo.calibration.experiment import show
    print(show(arguments.out))


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(_TRAINING, _FILES, _train_arguments, _train),
        "evaluate": Verb(
            "Prints the table: accuracy, likelihood and calibration error of every model, and how well each detector\n"
            "tells outliers on each. What has been measured before is not measured again.",
            "ECE: how far confidence is from accuracy; its floor is what chance alone would leave.\n"
            "AUROC: chance that an outlier scores higher than a test image; 50 is a coin, 100 is perfect.\n"
            "FPR95: outliers that pass where 95% of the test images pass; lower is better.",
            _folder_argument,
            _evaluate,
        ),
        "show": Verb(
            "Draws reliability diagrams, entropy histograms and every model's ECE and AUROC as calibration.png, and\n"
            "prints where it is.",
            "",
            _folder_argument,
            _show,
        ),
    },
)
