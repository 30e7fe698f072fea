"""The experiment: classifiers, detectors fitted to them, and how well these find what was never trained on."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from zoo.ood.evaluation import Evaluation, evaluate, fit_all, table, with_pixels
from zoo.ood.metrics import separation
from zoo.ood.picture import page
from zoo.ood.threshold import ThresholdClassifier
from zoo.quiet import quiet_saving
from zoo.residual import small_residual

Array = np.ndarray

ABOUT = "about.json"
BATCH = 128
EPOCHS = {"cifar10": 6, "digits": 12}
"""How long to train on each image set: about three minutes and fifteen seconds a classifier."""


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
    members: int = 2,
    epochs: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> None:
    """Fits every detector to classifiers, and writes both.

    Args:
        out: folder for classifier-0.keras and so on, detectors/ and about.json, made when missing.
        models: .keras files of classifiers that were trained on `zoo.splits.load(data).train`, as
            `splits.pixels`; several make an ensemble, whose first is what other detectors look at. None for new ones.
        data: which images, out of `zoo.datasets.IMAGES`.
        members: how many classifiers to train, where none are given.
        epochs: how long; None for those in `EPOCHS`.
        seed: of the training, where no classifiers are given.
        report: called with every line of progress.

    Raises:
        ValueError: a file without a classifier of this shape and of these classes.
    """
    parts = splits.load(data)
    if models:
        classifiers = [_loaded(path, parts) for path in models]
    else:
        classifiers = [
            _trained(parts, epochs or EPOCHS[data], 1000 * seed + member, f"classifier {member + 1}/{members}", report)
            for member in range(members)
        ]
    classifier = Classifier(classifiers)
    start = time.monotonic()
    detectors = fit_all(classifier.outputs(splits.pixels(parts.train.x)), parts.train.y)
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
    about = {"data": data, "detectors": list(detectors), "classifiers": len(classifiers)}
    write_json(out / ABOUT, about)


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
    result = with_pixels(evaluate(detectors, inliers, outliers), splits.pixels(parts.train.x), test, kinds)

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


def show(folder: Path) -> Path:
    """Draws ood.png for what a training left in `folder`, and returns its path.

    Raises:
        ValueError: nothing there.
    """
    measured = measure(folder)
    page(folder / "ood.png", measured.evaluation, measured.threshold, measured.held, measured.caption)
    return folder / "ood.png"


def _trained(parts: splits.Splits, epochs: int, seed: int, name: str, report: Callable[[str], None]) -> Any:
    """A small residual network, trained on the training split with a learning rate that falls along a cosine."""
    keras.utils.set_random_seed(seed)
    model = small_residual(parts.train.x.shape[1:], len(parts.classes), seed=seed, fused=True)
    batches = AugmentedImages(
        parts.train,
        batch_size=min(BATCH, len(parts.train.y)),
        shift=4 if parts.name == "cifar10" else 1,
        flip=parts.name == "cifar10",
        seed=seed,
    )
    steps = epochs * len(batches)
    warm_up = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - warm_up, warmup_target=3e-3, warmup_steps=warm_up)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    start = time.monotonic()

    def shown(epoch: int, logs: dict[str, float]) -> None:
        report(
            f"{name}   epoch {epoch + 1:{len(str(epochs))}}/{epochs}   loss {logs['loss']:.4f}"
            f"   accuracy {logs['accuracy']:.3f}   validation {logs['val_accuracy']:.3f}"
            f"   {time.monotonic() - start:5.1f} s"
        )

    model.fit(
        batches,
        epochs=epochs,
        validation_data=(splits.pixels(parts.validate.x), parts.validate.y),
        validation_batch_size=256,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=shown)],
    )
    bare = small_residual(parts.train.x.shape[1:], len(parts.classes), seed=seed)
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
