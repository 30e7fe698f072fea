"""`python -m zoo train | evaluate | show calibration`."""

import argparse

from zoo.arguments import add_images, add_out, add_recipe, add_seed, whole
from zoo.calibration.recipe import Recipe
from zoo.command import GOES_ON, System, Verb
from zoo.ood.command import OUTLIERS_EPILOG

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


def _out(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/calibration")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
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
    add_seed(parser, "the first seed")
    add_recipe(
        parser,
        Recipe,
        epochs="small 4, digits 12",
        batch_size="128, digits small 64",
        learning_rate="small 0.2, else 0.1",
        precision="float32; resnet18, which is for an accelerator, mixed_bfloat16. It is faster where there are "
        "instructions for it, else far slower",
    )


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.calibration.experiment.train",
            _train_arguments,
            reports=True,
            fast_convolutions=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            "Prints the table: accuracy, likelihood and calibration error of every model, and how well each detector\n"
            "tells outliers on each. What has been measured before is not measured again.",
            "ECE: how far confidence is from accuracy; its floor is what chance alone would leave.\n" + OUTLIERS_EPILOG,
            "zoo.calibration.experiment.evaluate",
            _out,
            fast_convolutions=True,
        ),
        "show": Verb(
            "Draws reliability diagrams, entropy histograms and every model's ECE and AUROC as calibration.png, and\n"
            "prints where it is.",
            "",
            "zoo.calibration.experiment.show",
            _out,
            fast_convolutions=True,
        ),
    },
)
