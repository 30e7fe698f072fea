"""Training ensembles, measuring trained and untrained ones, and drawing these."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.archives import write_csv
from zoo.datasets import IMAGES, Images
from zoo.ensembles.logit_ensemble import LogitEnsemble
from zoo.ensembles.networks import classifier
from zoo.ensembles.picture import members_picture
from zoo.ensembles.published_test import (
    PUBLISHED,
    Examples,
    accuracies,
    drawn_examples,
    pixel_accuracy,
    published_examples,
    table,
)
from zoo.ensembles.recipe import Recipe, WeakRecipe
from zoo.ensembles.stacked import Stacked
from zoo.ensembles.weak_labels import compare
from zoo.runs.data_set import DataSet
from zoo.screen import Report, silent
from zoo.training import History, fit, workplace

MEMBERS, ENSEMBLES = 100, 10
"""Of untrained ensembles: the largest, and how many are averaged."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        model: the ensemble.
        accuracy: on the test images, of the ensemble.
        single: on the test images, of each member alone.
        history: a row for each epoch.
        seconds: how long it took.
    """

    model: LogitEnsemble
    accuracy: float
    single: list[float]
    history: History
    seconds: float


def train(
    data: Images,
    recipe: Recipe,
    *,
    seed: int = 0,
    folder: Path | None = None,
    name: str = "",
    later: int = 0,
    report: Report = silent,
) -> Trained:
    """Trains an ensemble on labelled images.

    Args:
        data: what on; the test images serve for the figures at the end alone.
        recipe: how.
        seed: seeds weights, order and draws.
        folder: of this training, which goes on where it was stopped; None for one that cannot.
        name, later: as `zoo.training.fit`.
        report: takes a line after each epoch.
    """
    keras.utils.set_random_seed(seed)
    shape = data.x_train.shape[1:]
    stack = Stacked(classifier(shape, len(data.classes), seed=0), recipe.members, seed=seed, name="members")
    model = LogitEnsemble(stack, learn=recipe.learn, seed=seed, name="ensemble")
    steps = recipe.epochs * -(-len(data.x_train) // recipe.batch_size)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=4,
    )
    start = time.perf_counter()
    history = fit(
        model,
        DataSet((data.x_train, data.y_train), batch_size=recipe.batch_size),
        epochs=recipe.epochs,
        folder=folder,
        report=report,
        seed=seed,
        name=name,
        later=later,
    )
    seconds = time.perf_counter() - start
    accuracy, single = measure(model, data)
    return Trained(model, accuracy, single, history, seconds)


def train_command(
    *, out: Path, data: str, weak_labels: bool, learn: str | None, seed: int, report: Report, **changes: Any
) -> str:
    """`train` as the command line has it; returns what to print."""
    if weak_labels and learn:
        raise ValueError("--learn says how labelled classifiers train; --weak-labels has none")
    recipe = WeakRecipe().changed(**changes) if weak_labels else Recipe().changed(learn=learn, **changes)
    images = IMAGES[data]()
    if isinstance(recipe, WeakRecipe):
        return _train_weak(out, images, recipe, seed, report)
    report(f"{images.name} ({images.origin}): {recipe.members} members, learn {recipe.learn}")
    with workplace(out, {"data": data, "seed": seed, **asdict(recipe)}, report) as folder:
        plain = recipe.changed(members=1, learn="sum")
        options = {"seed": seed, "report": report}
        trained = train(images, recipe, folder=folder / "ensemble", name="ensemble", later=recipe.epochs, **options)
        alone = train(images, plain, folder=folder / "alone", name="one network", **options)
        files = write(trained, out)
    return (
        f"accuracy on test images\n{summary(trained.accuracy, trained.single, alone.accuracy)}\n\n"
        f"{out}: {', '.join(path.name for path in files)}   ({trained.seconds:.0f} s)"
    )


def _train_weak(out: Path, images: Images, recipe: WeakRecipe, seed: int, report: Report) -> str:
    examples = _examples(None if images.name == "cifar10" else images.name)
    report(f"{images.name} ({images.origin}), tested on {examples.name}")
    with workplace(out, {"data": images.name, "seed": seed, **asdict(recipe)}, report) as folder:
        comparison = compare(images, examples, recipe=recipe, seed=seed, folder=folder, report=report)
        path = out / "weak_learner.keras"
        comparison.model.save(path)
    rows = [f"{name:26}  {recall:.3f}   {first:.3f}" for name, (recall, first) in comparison.scores.items()]
    return "\n".join([f"{'':28}R@1   positive first", *rows, "", str(path)])


def evaluate(
    *,
    data: str | None = None,
    members: int | None = None,
    ensembles: int | None = None,
    seed: int | None = None,
    trained: Path | None = None,
    report: Report = silent,
) -> str:
    """The table of untrained ensembles on the published test or one like it; or of a trained one on test images.

    Args:
        data: "published", or images out of `IMAGES`; None for what there is.
        members, ensembles, seed: of untrained ensembles: the largest, how many, and the first one's seed.
        trained: file of a trained ensemble.
        report: takes lines of progress.

    Raises:
        ValueError: no such data or file, or options that do not go together.
    """
    if trained is not None:
        given = {"--members": members, "--ensembles": ensembles, "--seed": seed}
        without = [name for name, value in given.items() if value is not None]
        if without:
            raise ValueError(
                f"{' and '.join(without)} say which untrained ensembles to measure; --trained measures one"
            )
        return _evaluate_trained(trained, data)
    examples, sizes, found, pixels = _measure((1, 10), data, members, ensembles, seed, report)
    return (
        f"{examples.name}: mean and deviation over {len(next(iter(found.values())))} ensembles\n"
        f"{table(found, sizes, published='published' in examples.name)}\n\n"
        f"centred pixels {pixels:.3f}, chance {1 / (examples.images.shape[1] - 1):.3f}"
    )


def show(
    *,
    out: Path,
    data: str | None = None,
    members: int | None = None,
    ensembles: int | None = None,
    seed: int | None = None,
    report: Report = silent,
) -> Path:
    """Draws members.png, accuracy against number of members, and returns its path. Options as `evaluate`."""
    examples, sizes, found, pixels = _measure((1, 2, 5, 10, 20, 50, 100), data, members, ensembles, seed, report)
    out.mkdir(parents=True, exist_ok=True)
    marks = {size: value for (_, size), value in PUBLISHED.items()} if "published" in examples.name else None
    members_picture(
        out / "members.png",
        found,
        sizes,
        title=f"Untrained ensembles on {examples.name}: mean and deviation over {len(next(iter(found.values())))}",
        levels={"chance": 1 / (examples.images.shape[1] - 1), "centred pixels": pixels},
        marks=marks,
    )
    return out / "members.png"


def load(path: Path, data: Images) -> LogitEnsemble:
    """A trained ensemble from its file.

    Raises:
        ValueError: the file holds no such ensemble, or one for other images.
    """
    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a file of Keras") from error
    shape = data.x_test.shape[1:]
    if not isinstance(model, LogitEnsemble) or tuple(model.stack.member.input_shape[1:]) != shape:
        raise ValueError(f"{path} is no trained ensemble for images of {' x '.join(map(str, shape))}")
    return model


def measure(model: LogitEnsemble, data: Images) -> tuple[float, list[float]]:
    """Accuracy on the test images, of the ensemble and of each member alone."""
    logits = keras.Sequential([keras.Input(data.x_test.shape[1:]), model.stack]).predict(
        data.x_test, batch_size=200, verbose=0
    )
    right = logits.argmax(axis=-1) == data.y_test[:, None]
    return float((logits.sum(axis=1).argmax(axis=-1) == data.y_test).mean()), [float(v) for v in right.mean(axis=0)]


def write(trained: Trained, out: Path) -> list[Path]:
    """Writes ensemble.keras and history.csv; returns where."""
    out.mkdir(parents=True, exist_ok=True)
    model, history = out / "ensemble.keras", out / "history.csv"
    trained.model.save(model)
    write_csv(history, trained.history)
    return [model, history]


def summary(accuracy: float, single: Sequence[float], baseline: float | None = None) -> str:
    """The ensemble beside its members and a single network."""
    spread = np.std(single, ddof=1) if len(single) > 1 else 0.0
    lines = [
        f"ensemble of {len(single):<3}       {accuracy:.4f}",
        f"its members alone    {np.mean(single):.4f} +- {spread:.4f}",
    ]
    if baseline is not None:
        lines.append(f"one network          {baseline:.4f}   (trained alone for as many epochs)")
    return "\n".join(lines)


def _measure(
    sizes: tuple[int, ...],
    data: str | None,
    members: int | None,
    ensembles: int | None,
    seed: int | None,
    report: Report,
) -> tuple[Examples, tuple[int, ...], dict[str, np.ndarray], float]:
    """Examples, numbers of members, accuracies of untrained ensembles by transform, and that of the pixels."""
    most = members or MEMBERS
    sizes = tuple(sorted({size for size in sizes if size < most} | {most}))
    examples = _examples(None if data == "published" else data, required=data)
    found = accuracies(examples, ensembles=ensembles or ENSEMBLES, sizes=sizes, seed=seed or 0, report=report)
    return examples, sizes, found, pixel_accuracy(examples)


def _examples(data: str | None, required: str | None = None) -> Examples:
    """The published examples, or ones drawn from `data`; where neither is asked for, what is there."""
    if data is not None:
        return drawn_examples(IMAGES[data]())
    try:
        return published_examples()
    except ValueError:
        if required:
            raise
        return drawn_examples(IMAGES["digits"]())


def _evaluate_trained(path: Path, data: str | None) -> str:
    if not path.is_file():
        raise ValueError(f"there is no {path}: train first, with python -m zoo train ensembles")
    if data == "published":
        raise ValueError(
            "a trained ensemble is measured on --data digits or cifar10; the published examples have no labels"
        )
    images = IMAGES[data or "digits"]()
    model = load(path, images)
    return (
        f"{images.name} ({images.origin}): accuracy on {len(images.y_test):,} test images\n"
        f"{summary(*measure(model, images))}"
    )
