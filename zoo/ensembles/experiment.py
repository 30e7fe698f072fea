"""Training an ensemble of classifiers, and what its members are worth alone and together."""

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.datasets import Images
from zoo.ensembles.logit_ensemble import LogitEnsemble
from zoo.ensembles.published_test import filters_for
from zoo.ensembles.stacked import Stacked
from zoo.seeds import initial_seeds


@dataclass(frozen=True)
class Recipe:
    """How to train a classifier of several members.

    Attributes:
        members: M; 1 for a single network, the baseline.
        learn: as `LogitEnsemble`.
        epochs, batch_size, learning_rate: of Adam, with a cosine decay to 0.
    """

    members: int = 5
    learn: str = "sum"
    epochs: int = 8
    batch_size: int = 128
    learning_rate: float = 2e-3


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        model: the ensemble.
        accuracy: on the test images, of the ensemble.
        single: on the test images, of each member alone.
        history: by name, a value for each epoch.
        seconds: how long it took.
    """

    model: LogitEnsemble
    accuracy: float
    single: list[float]
    history: dict[str, list[float]]
    seconds: float


def classifier(
    input_shape: tuple[int, int, int], classes: int, *, seed: int | None = None, name: str = "classifier"
) -> keras.Model:
    """One member: 3x3 convolutions of 16, 32, 64 filters and stride 2, relu, and a dense layer of logits.

    Args:
        input_shape: height, width and channels, of numbers from 0 to 255.
        classes: how many logits.
        seed: seeds the initial weights; None takes them from Keras' global seed.
        name: name of the model.
    """
    filters = filters_for(input_shape)[:3]
    seeds = iter(initial_seeds(seed, len(filters) + 1))
    images = keras.Input(input_shape, name="images")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(images)
    for index, width in enumerate(filters):
        x = keras.layers.Conv2D(
            width // 2,
            3,
            strides=2,
            activation="relu",
            kernel_initializer=keras.initializers.HeUniform(seed=next(seeds)),
            name=f"conv_{index}",
        )(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(classes, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), name="logits")(x)
    return keras.Model(images, x, name=name)


def train(
    data: Images,
    recipe: Recipe,
    *,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Trains an ensemble on labelled images.

    Args:
        data: what on; the test images serve for the figures at the end alone.
        recipe: how.
        seed: seeds weights, order and draws.
        report: takes a line after each epoch.
    """
    keras.utils.set_random_seed(seed)  # fit shuffles by the global seed
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
    lines = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: report(
            f"epoch {epoch + 1}/{recipe.epochs}  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}"
        )
    )
    start = time.perf_counter()
    history = model.fit(
        data.x_train, data.y_train, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=0, callbacks=[lines]
    ).history
    seconds = time.perf_counter() - start
    accuracy, single = measure(model, data)
    return Trained(model, accuracy, single, history, seconds)


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
    with history.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["epoch", *trained.history])
        for epoch, row in enumerate(zip(*trained.history.values(), strict=True)):
            writer.writerow([epoch + 1, *row])
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
