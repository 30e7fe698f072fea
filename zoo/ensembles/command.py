"""`python -m zoo train | evaluate | show ensembles`."""

import argparse
from pathlib import Path
from typing import Any

from zoo.arguments import folder, seed, whole
from zoo.command import System, Verb
from zoo.quiet import quiet_import

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
    parser.add_argument("--data", choices=("digits", "cifar10"), default="digits", help="images (default: digits)")
    parser.add_argument("--weak-labels", action="store_true", help="learn from an untrained ensemble, without labels")
    parser.add_argument("--learn", choices=("sum", "one", "each"), help="whose loss is minimised (default: sum)")
    parser.add_argument(
        "--members", type=whole, metavar="N", help="networks in the ensemble (default: 5; with --weak-labels 10)"
    )
    parser.add_argument("--epochs", type=whole, metavar="N", help="how long to train (default: 8)")
    parser.add_argument("--batch-size", type=whole, metavar="N", help="images or pairs in a batch (default: 128)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="same seed, same start (default: 0)")
    parser.add_argument(
        "--out", type=folder, default=Path("build/zoo/ensembles"), metavar="DIR", help="folder of the files"
    )


def _train(arguments: argparse.Namespace) -> None:
    if arguments.weak_labels and arguments.learn:
        raise ValueError("--learn says how labelled classifiers train; --weak-labels has none")
    with quiet_import(fast_convolutions=True):
        from zoo.datasets import IMAGES
    run = _train_weak if arguments.weak_labels else _train_ensemble
    run(arguments, IMAGES[arguments.data]())


def _chosen(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


def _train_ensemble(arguments: argparse.Namespace, data: Any) -> None:
    from dataclasses import replace

    from zoo.ensembles.experiment import Recipe, summary, train, write

    recipe = Recipe(**_chosen(arguments, "members", "learn", "epochs", "batch_size"))
    print(f"{data.name} ({data.origin}): {recipe.members} members, learn {recipe.learn}")
    trained = train(data, recipe, seed=arguments.seed, report=_say)
    alone = train(data, replace(recipe, members=1, learn="sum"), seed=arguments.seed)
    print(f"\naccuracy on test images\n{summary(trained.accuracy, trained.single, alone.accuracy)}")
    files = write(trained, arguments.out)
    print(f"\n{arguments.out}: {', '.join(path.name for path in files)}   ({trained.seconds:.0f} s)")


def _train_weak(arguments: argparse.Namespace, data: Any) -> None:
    from zoo.ensembles.weak_labels import Recipe, compare

    recipe = Recipe(**_chosen(arguments, "members", "epochs", "batch_size"))
    examples = _examples(None if data.name == "cifar10" else data.name)
    print(f"{data.name} ({data.origin}), tested on {examples.name}")
    comparison = compare(data, examples, recipe=recipe, seed=arguments.seed, report=_say)
    print(f"\n{'':28}R@1   positive first")
    for name, (recall, first) in comparison.scores.items():
        print(f"{name:26}  {recall:.3f}   {first:.3f}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "weak_learner.keras"
    comparison.model.save(path)
    print(f"\n{path}")


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        choices=("published", "cifar10", "digits"),
        help="hundred examples: those of the published test, from $ZOO_DATA, or drawn from cifar10 or digits "
        "(default: published if it is there, else digits)",
    )
    parser.add_argument("--members", type=whole, default=100, metavar="N", help="largest ensemble (default: 100)")
    parser.add_argument("--ensembles", type=whole, default=10, metavar="N", help="how many to average (default: 10)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of the first (default: 0)")


def _evaluating_arguments(parser: argparse.ArgumentParser) -> None:
    _evaluate_arguments(parser)
    parser.add_argument(
        "--trained", type=Path, metavar="FILE", help="a trained ensemble.keras, instead of untrained ones"
    )


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _evaluate_arguments(parser)
    parser.add_argument(
        "--out", type=folder, default=Path("build/zoo/ensembles"), metavar="DIR", help="folder of members.png"
    )


def _measure(arguments: argparse.Namespace, sizes: tuple[int, ...]) -> tuple[Any, ...]:
    with quiet_import():
        from zoo.ensembles.published_test import accuracies, pixel_accuracy

    sizes = tuple(sorted({size for size in sizes if size < arguments.members} | {arguments.members}))
    examples = _examples(None if arguments.data == "published" else arguments.data, required=arguments.data)
    found = accuracies(examples, ensembles=arguments.ensembles, sizes=sizes, seed=arguments.seed, report=_say)
    return examples, sizes, found, pixel_accuracy(examples)


def _examples(data: str | None, required: str | None = None) -> Any:
    """The published examples, or ones drawn from `data`; where neither is asked for, what is there."""
    from zoo.datasets import IMAGES
    from zoo.ensembles.published_test import drawn_examples, published_examples

    if data is not None:
        return drawn_examples(IMAGES[data]())
    try:
        return published_examples()
    except ValueError:
        if required:
            raise
        return drawn_examples(IMAGES["digits"]())


def _evaluate(arguments: argparse.Namespace) -> None:
    if arguments.trained is not None:
        _evaluate_trained(arguments)
        return
    examples, sizes, found, pixels = _measure(arguments, (1, 10))
    from zoo.ensembles.published_test import table

    print(f"\n{examples.name}: mean and deviation over {arguments.ensembles} ensembles")
    print(table(found, sizes, published="published" in examples.name))
    print(f"\ncentred pixels {pixels:.3f}, chance {1 / (examples.images.shape[1] - 1):.3f}")


def _evaluate_trained(arguments: argparse.Namespace) -> None:
    if not arguments.trained.is_file():
        raise ValueError(f"there is no {arguments.trained}: train first, with python -m zoo train ensembles")
    if arguments.data == "published":
        raise ValueError(
            "a trained ensemble is measured on --data digits or cifar10; the published examples have no labels"
        )
    with quiet_import(fast_convolutions=True):
        from zoo.datasets import IMAGES
        from zoo.ensembles.experiment import load, measure, summary
    data = IMAGES[arguments.data or "digits"]()
    model = load(arguments.trained, data)
    print(f"{data.name} ({data.origin}): accuracy on {len(data.y_test):,} test images")
    print(summary(*measure(model, data)))


def _show(arguments: argparse.Namespace) -> None:
    examples, sizes, found, pixels = _measure(arguments, (1, 2, 5, 10, 20, 50, 100))
    from zoo.ensembles.picture import members_picture
    from zoo.ensembles.published_test import PUBLISHED

    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "members.png"
    marks = {size: value for (_, size), value in PUBLISHED.items()} if "published" in examples.name else None
    members_picture(
        path,
        found,
        sizes,
        title=f"Untrained ensembles on {examples.name}: mean and deviation over {arguments.ensembles}",
        levels={"chance": 1 / (examples.images.shape[1] - 1), "centred pixels": pixels},
        marks=marks,
    )
    print(path)


def _say(line: str) -> None:
    print(line, flush=True)


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(_TRAINING, _FILES, _train_arguments, _train),
        "evaluate": Verb(
            _EVALUATING,
            "Without --trained it needs no training, and takes about two minutes.",
            _evaluating_arguments,
            _evaluate,
        ),
        "show": Verb(
            "Draws accuracy against the number of members for each normalisation, with deviations.",
            "Needs no training. Writes members.png.",
            _show_arguments,
            _show,
        ),
    },
)
