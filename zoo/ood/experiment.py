"""The experiment: classifiers, detectors fitted to them, and how well these find what was never trained on."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import splits
from zoo.archives import write_json
from zoo.augmentation import AugmentedImages
from zoo.datasets import IMAGES
from zoo.ood.classifier import Classifier
from zoo.ood.detectors.base import Detector
from zoo.ood.detectors.table import load
from zoo.ood.evaluation import Evaluation, fit_all, table, with_pixels
from zoo.ood.evaluation import evaluate as measured_by
from zoo.ood.metrics import separation
from zoo.ood.picture import page
from zoo.ood.recipe import RECIPES, Recipe
from zoo.ood.threshold import ThresholdClassifier
from zoo.quiet import quiet_saving
from zoo.residual import small_residual
from zoo.runs.data_set import DataSet
from zoo.screen import Report
from zoo.training import fit, workplace

Array = np.ndarray

ABOUT = "about.json"


@dataclass(frozen=True)
class Measured:
    """What `measure` finds.

    Attributes:
        evaluation: scores and figures of every detector and of the baseline on pixels.
        accuracy: of the first classifier on the test split.
        threshold: the entropy classifier, fitted to the calibration split and to half of the hard outliers.
        held: entropies of the test split, and of the other half of the hard outliers.
        caption: what the images are.
    """

    evaluation: Evaluation
    accuracy: float
    threshold: ThresholdClassifier
    held: tuple[Array, Array]
    caption: str


def train(
    out: Path,
    *,
    models: Sequence[Path] = (),
    data: str = "cifar10",
    recipe: Recipe | None = None,
    seed: int = 0,
    report: Report = print,
) -> None:
    """Fits every detector to classifiers, and writes both.

    Args:
        out: folder for classifier-0.keras and so on, detectors/ and about.json, made when missing. A training that was
            stopped there goes on.
        models: .keras files of classifiers that were trained on `zoo.splits.load(data).train`, as `splits.pixels`;
            several make an ensemble, whose first is what other detectors look at. None for new ones.
        data: which images, out of `zoo.datasets.IMAGES`.
        recipe: how to train classifiers, where none are given; None for the one of the images, out of `RECIPES`.
        seed: of the training, where no classifiers are given.
        report: takes every line of progress.

    Raises:
        ValueError: a file without a classifier of this shape and of these classes.
    """
    parts = splits.load(data)
    if models:
        _fit_and_write(out, [_loaded(path, parts) for path in models], parts, data, report)
        return
    recipe = recipe or RECIPES[data]
    with workplace(out, {"data": data, "seed": seed, **asdict(recipe)}, report) as folder:
        classifiers = [
            _trained(parts, recipe, member, folder / f"classifier-{member}", 1000 * seed + member, report)
            for member in range(recipe.members)
        ]
        _fit_and_write(out, classifiers, parts, data, report)


def train_command(
    *, out: Path, data: str, model: list[Path] | None, seed: int | None, report: Report, **changes: Any
) -> str:
    """`train` as the command line has it; returns what to print."""
    without = [f"--{name.replace('_', '-')}" for name, value in {**changes, "seed": seed}.items() if value is not None]
    if model and without:
        raise ValueError(f"{', '.join(without)} say how classifiers are trained here; those of --model are trained")
    train(out, models=model or (), data=data, recipe=RECIPES[data].changed(**changes), seed=seed or 0, report=report)
    return f"{out}: classifiers and detectors; python -m zoo evaluate ood measures them"


def evaluate(out: Path) -> str:
    """The table of what a training left in a folder, with a caption, and how the entropy classifier does.

    Raises:
        ValueError: nothing there.
    """
    return report_of(measure(out))


def measure(folder: Path) -> Measured:
    """Scores test images, classes never seen and random images with what a training left in `folder`.

    Raises:
        ValueError: nothing there.
    """
    data, members, names = _about(folder / ABOUT)
    parts = splits.load(data)
    classifier = Classifier([_loaded(folder / f"classifier-{n}.keras", parts) for n in range(members)])
    detectors: dict[str, Detector] = {name: load(folder / "detectors" / f"{name}.npz") for name in names}
    kinds = {"hard": splits.pixels(parts.hard), "easy": splits.pixels(parts.easy)}
    test = splits.pixels(parts.test.x)
    inliers = classifier.outputs(test)
    outliers = {kind: classifier.outputs(x) for kind, x in kinds.items()}
    result = with_pixels(measured_by(detectors, inliers, outliers), splits.pixels(parts.train.x), test, kinds)

    entropy = detectors["entropy"]
    hard = result.outliers["entropy"]["hard"]
    calibrate = entropy.score_outputs(classifier.outputs(splits.pixels(parts.calibrate.x)))
    fitted = ThresholdClassifier().fit(calibrate, hard[::2])
    accuracy = float(np.mean(inliers.logits.argmax(axis=1) == parts.test.y))
    return Measured(
        result,
        accuracy,
        fitted,
        (result.inliers["entropy"], hard[1::2]),
        f"{parts.name} ({parts.origin}); hard: {' and '.join(parts.held_out)}, never trained on; easy: random bytes",
    )


def report_of(measured: Measured) -> str:
    """The table, with a caption, and how the entropy classifier does."""
    fitted, (inliers, hard) = measured.threshold, measured.held
    false_alarms, hits = fitted.predict(inliers).mean(), fitted.predict(hard).mean()
    return (
        f"{measured.caption}\n"
        f"accuracy on the {len(inliers):,} test images {measured.accuracy:.3f}; all else in percent\n\n"
        f"{table(measured.evaluation)}\n\n"
        f"An image of entropy above {fitted.threshold_:.3f} called outlying, a threshold found on other images: "
        f"{100 * hits:.1f}% of the hard\noutliers found, {100 * false_alarms:.1f}% of the test images called outlying; "
        f"AUROC {separation(inliers, hard).auroc:.3f}"
    )


def show(out: Path) -> Path:
    """Draws ood.png for what a training left in a folder, and returns its path.

    Raises:
        ValueError: nothing there.
    """
    measured = measure(out)
    page(out / "ood.png", measured.evaluation, measured.threshold, measured.held, measured.caption)
    return out / "ood.png"


def _fit_and_write(
    out: Path, classifiers: Sequence[keras.Model], parts: splits.Splits, data: str, report: Report
) -> None:
    """Detectors fitted to the training split, and the files of all."""
    start = time.monotonic()
    detectors = fit_all(Classifier(classifiers).outputs(splits.pixels(parts.train.x)), parts.train.y)
    report(f"{len(detectors)} detectors fitted to {len(parts.train.y):,} images in {time.monotonic() - start:.1f} s")
    (out / "detectors").mkdir(parents=True, exist_ok=True)
    (out / ABOUT).unlink(missing_ok=True)  # written again when all else is there
    for old in [*out.glob("classifier-*.keras"), *(out / "detectors").glob("*.npz")]:
        old.unlink()  # of an earlier training, perhaps with more members
    for number, model in enumerate(classifiers):
        with quiet_saving():
            model.save(out / f"classifier-{number}.keras")
    for name, detector in detectors.items():
        detector.save(out / "detectors" / f"{name}.npz")
    write_json(out / ABOUT, {"data": data, "detectors": list(detectors), "classifiers": len(classifiers)})


def _trained(parts: splits.Splits, recipe: Recipe, member: int, folder: Path, seed: int, report: Report) -> keras.Model:
    """A small residual network, trained on the training split."""
    keras.utils.set_random_seed(seed)
    shape, classes = parts.train.x.shape[1:], len(parts.classes)
    model = small_residual(shape, classes, seed=seed, fused=True)
    size = min(recipe.batch_size, len(parts.train.y))
    batches = AugmentedImages(parts.train, batch_size=size, shift=recipe.shift, flip=recipe.flip, seed=seed)
    steps = recipe.epochs * len(batches)
    warm_up = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    fit(
        model,
        DataSet(batches, (splits.pixels(parts.validate.x), parts.validate.y), batch_size=256),
        epochs=recipe.epochs,
        folder=folder,
        report=report,
        seed=seed,
        name=f"classifier {member + 1}/{recipe.members}",
        later=recipe.epochs * (recipe.members - member - 1),
        shuffle=True,
    )
    bare = small_residual(shape, classes, seed=seed)
    bare.set_weights(model.get_weights())
    return bare


def _about(path: Path) -> tuple[str, int, list[str]]:
    """Which images, how many classifiers, and the names of the detectors."""
    if not path.is_file():
        raise ValueError(f"{path.parent} holds no detectors; python -m zoo train ood makes them")
    try:
        about = json.loads(path.read_text())
        data, members, names = about["data"], int(about["classifiers"]), list(about["detectors"])
        IMAGES[data]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); python -m zoo train ood makes another") from error
    return data, members, names


def _loaded(path: Path, parts: splits.Splits) -> Any:
    """The classifier of a file."""
    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no Keras model ({error})") from error
    shapes = [tuple(tensor.shape[1:]) for tensor in (*model.inputs, *model.outputs)]
    wanted = [parts.train.x.shape[1:], (len(parts.classes),)]
    if shapes != wanted:
        raise ValueError(f"{path} has inputs and outputs {shapes}; {parts.name} without outliers has {wanted}")
    return model
