"""`python -m zoo train | evaluate | show ensembles`."""

import argparse
from pathlib import Path

from zoo.arguments import add_images, add_out, add_recipe, add_seed, seed, whole
from zoo.command import GOES_ON, System, Verb
from zoo.ensembles.recipe import Recipe

_OUT = "build/zoo/ensembles"

_SUMMARY = "Ensembles: untrained networks that tell images apart, what can be learnt from them, and trained ones"

_TRAINING = """\
Trains an ensemble of small classifiers as one model. The members' logits are summed;

  --learn sum     the loss is that of the sum (default)
  --learn one     each step trains one member, drawn at random: dropout of all others
  --learn each    every member has its own loss: a deep ensemble

or, with --weak-labels, an embedding network without any labels: ten untrained networks say which images are nearest
to each other, and the network learns from these pairs. Beside it: pixels, one untrained network, the ten, and the same
training on partners drawn at random.
"""

_FILES = """\
The folder then holds
  ensemble.keras, history.csv      the ensemble; loss and accuracy, epoch by epoch
  weak_learner.keras               with --weak-labels
Both load with keras.saving.load_model after `import zoo.registered`.

examples
  python -m zoo train ensembles
  python -m zoo train ensembles --data cifar10 --learn one --members 8
  python -m zoo train ensembles --data cifar10 --weak-labels
"""

_EVALUATING = """\
Measures untrained ensembles: among a positive of the anchor's class and nine negatives, is the positive nearest? Chance
is .1. The similarities of all members are summed. Embeddings of unit length may be centred or whitened, by
the mean and covariance of the very images that are compared: transductive, though without labels.
Then they are brought to unit length again. These ways, and unit length before centring, were compared on the published
examples themselves, so the best row there says a little more than another set would.

With --trained, measures an ensemble.keras that `train ensembles` left, on the test images of --data: the ensemble
beside its members.
"""


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser, _OUT)
    add_images(parser, "digits")
    add_seed(parser)
    add_recipe(
        parser,
        Recipe,
        "images or pairs",
        epochs="8",
        batch_size="128",
        learning_rate="0.002; with --weak-labels 0.001",
    )
    parser.add_argument("--weak-labels", action="store_true", help="learn from an untrained ensemble, without labels")
    parser.add_argument("--learn", choices=("sum", "one", "each"), help="whose loss is minimised (default: sum)")
    parser.add_argument(
        "--members", type=whole, metavar="N", help="networks in the ensemble (default: 5; with --weak-labels 10)"
    )


def _untrained(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        choices=("published", "cifar10", "digits"),
        help="hundred examples: those of the published test, from $ZOO_DATA, or drawn from cifar10 or digits "
        "(default: published if it is there, else digits)",
    )
    parser.add_argument("--members", type=whole, metavar="N", help="largest ensemble (default: 100)")
    parser.add_argument("--ensembles", type=whole, metavar="N", help="how many to average (default: 10)")
    parser.add_argument("--seed", type=seed, metavar="N", help="seed of the first (default: 0)")


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    _untrained(parser)
    parser.add_argument(
        "--trained", type=Path, metavar="FILE", help="a trained ensemble.keras, instead of untrained ones"
    )


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _untrained(parser)
    add_out(parser, _OUT)


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.ensembles.experiment.train_command",
            _train_arguments,
            reports=True,
            fast_convolutions=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            _EVALUATING,
            "Without --trained it needs no training, and takes about two minutes.",
            "zoo.ensembles.experiment.evaluate",
            _evaluate_arguments,
            reports=True,
        ),
        "show": Verb(
            "Draws accuracy against the number of members for each normalisation, with deviations.",
            "Needs no training. Writes members.png.",
            "zoo.ensembles.experiment.show",
            _show_arguments,
            reports=True,
        ),
    },
)
