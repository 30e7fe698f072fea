"""`python -m zoo train | evaluate | show kalman`."""

import argparse

from zoo.arguments import add_out, add_recipe, add_seed, whole
from zoo.command import GOES_ON, System, Verb
from zoo.kalman.recipe import Recipe

_SUMMARY = "Kalman filter whose noise, motion and start are tuned by gradient, on throws seen with gaps"

_TRAINING = """\
Tunes Kalman filters by gradient, so that they expect throws under gravity where they will be seen next, though a part
of the observations is missing: the filter as it was published, whose gradient for the noise of y is 0; one that passes
over what is missing; one with a constant acceleration; one that learns its start too. A GRU is trained equally long.
All of it takes less than three minutes of processor time.
"""

_FILES = """\
The folder then holds
  kalman.keras     the best filter of the first training; `import zoo.registered` before it is loaded
  settled.keras    the same once its gain has settled: a recurrent layer for x and y, without gaps
  taps.keras       the same as a convolution, for an FPGA; not there if it would need thousands of taps
  seed0/*.keras    every filter and the GRU, for each training
  steps.json       loss and gradient at every step, by batch size and optimizer
  history.csv      loss of every filter of the first training, epoch by epoch
  about.json       how they were trained
  kalman.png       throws, and the paths that were expected

examples
  python -m zoo train kalman
  python -m zoo train kalman --missing-rate 0.4 --seeds 1
  python -m compiler build/zoo/kalman/kalman.keras --target mcu --verify
  python -m compiler build/zoo/kalman/taps.keras --target fpga --verify
"""


def _out(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "build/zoo/kalman")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
    add_seed(parser, "of the first training")
    add_recipe(parser, Recipe, "throws", epochs="60", batch_size="50", learning_rate="0.03")
    parser.add_argument("--throws", type=whole, metavar="N", help="to train on (default: 250)")
    parser.add_argument("--seeds", type=whole, metavar="N", help="trainings of each filter (default: 3)")
    parser.add_argument(
        "--missing-rate", type=float, metavar="R", help="of observations in training, 0 to 1 (default: 0.1)"
    )


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    _out(parser)
    parser.add_argument(
        "--masks", type=whole, default=100, metavar="N", help="sets of gaps for each missing rate (default: 100)"
    )


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.kalman.experiment.train_command",
            _train_arguments,
            reports=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            "The error of every filter, before and after training, on a grid of 40 x 40 throws with gaps that were\n"
            "never trained on, beside plain baselines and what no predictor can be below; the same for every share of\n"
            "missing observations; and what the filters are made of.",
            "Errors are squares of lengths: lower is better. The published filter has the noise of x on both axes;\n"
            "its own noise of y stays where it began.",
            "zoo.kalman.experiment.evaluate",
            _evaluate_arguments,
        ),
        "show": Verb(
            "Draws three throws with the paths that filters expected, and errors by step, as kalman.png, and prints\n"
            "where it is.",
            "",
            "zoo.kalman.experiment.show",
            _out,
        ),
    },
)
