"""Training an embedding, from a seed to a folder of files, and what can be done with the folder."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from zoo.archives import write_csv, write_json
from zoo.augmentation import RandomCrop
from zoo.datasets import IMAGES, Images
from zoo.metric_learning import networks
from zoo.metric_learning.embedding_model import EmbeddingModel
from zoo.metric_learning.evaluation import PIXELS, Scores, embed, pixel_embeddings, retrieval_scores, table
from zoo.metric_learning.index import Index
from zoo.metric_learning.losses.normalized_softmax import NormalizedSoftmax
from zoo.metric_learning.losses.pair_softmax import PairSoftmax
from zoo.metric_learning.m_per_class import MPerClass
from zoo.metric_learning.one_cycle import OneCycle
from zoo.metric_learning.picture import neighbour_collage, neighbour_confusion, one_of_each_class
from zoo.metric_learning.recipe import PUBLISHED, RECIPES, Recipe
from zoo.processor import fast_precision
from zoo.quiet import quiet_saving
from zoo.runs.data_set import DataSet
from zoo.screen import Report
from zoo.training import History, fit, workplace

NETWORK, INDEX, ABOUT = "embedding.keras", "index", "about.json"
STEPS_PER_EXECUTION = 10
SMALL_CROPS = 5 / 7
"""Share of the best recipe's epochs that see three quarters of the images' height and width."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        model: the bare network, float32, from pixels of 0..255 to embeddings; not compiled.
        history: one dictionary for each epoch: loss, seconds, images a second.
        scores: of the test images, by row of the table.
        files: the files written, by name.
        seconds, cpu_seconds: wall time, and processor time over all cores, of the training alone.
    """

    model: keras.Model
    history: History
    scores: dict[str, Scores]
    files: dict[str, Path]
    seconds: float
    cpu_seconds: float


def train(
    images: Images,
    recipe: Recipe,
    *,
    seed: int = 0,
    out: Path | None = None,
    report: Report = print,
) -> Trained:
    """Trains a network, measures it on the test images, and writes its files.

    Initial weights and batches follow from the seed; the last bits also from the processor and its number of cores.

    Args:
        images: what to train on and to be measured on.
        recipe: how.
        seed: seeds weights and batches.
        out: folder for embedding.keras, embedding.h5, history.csv, about.json and the index of the test images, made
            when missing; None writes nothing. A training that was stopped there goes on.
        report: takes every line of progress.
    """
    keras.utils.set_random_seed(seed)
    recipe = recipe.changed(precision=recipe.precision or fast_precision())
    training = _published(images, recipe, seed) if recipe.name == PUBLISHED.name else _best(images, recipe, seed)
    epochs = sum(count for count, _ in training.phases)
    report(
        f"{training.bare.name}: {training.bare.count_params():,} parameters; recipe {recipe.name}, {images.name} "
        f"({images.origin}), {epochs} epochs of {len(training.phases[0][1])} batches in {recipe.precision}, seed {seed}"
    )
    with workplace(out, {"data": images.name, "seed": seed, **asdict(recipe)}, report) as folder:
        start, cpu = time.monotonic(), time.process_time()
        history = _fit(training, recipe, folder, report)
        seconds, cpu = time.monotonic() - start, time.process_time() - cpu
        # The files hold the bare network, not how it was trained, so that they load without this package.
        training.bare.set_weights(training.network.get_weights())
        embeddings = embed(training.bare, images.x_test)
        scores = {PIXELS: pixel_scores(images), recipe.name: retrieval_scores(embeddings, images.y_test)}
        index = Index()
        index.add(embeddings, images.y_test)
        about = {"recipe": recipe.name, "data": images.name, "origin": images.origin, "seed": seed, "epochs": epochs}
        about["precision"] = recipe.precision
        files = _write(out, training.bare, history, index, about) if out is not None else {}
    return Trained(training.bare, history, scores, files, seconds, cpu)


def train_command(*, out: Path, recipe: str, data: str, seed: int, report: Report, **changes: Any) -> str:
    """`train` as the command line has it; returns what to print."""
    changed = RECIPES[recipe].changed(**changes)
    images = IMAGES[data]()
    trained = train(images, changed, seed=seed, out=out, report=report)
    return (
        f"{table(trained.scores, f'{len(images.y_test):,} test images')}\n\n{out}: {', '.join(trained.files)}   "
        f"(training: {trained.seconds:.0f} s, processor {trained.cpu_seconds:.0f} s)"
    )


def evaluate(out: Path) -> str:
    """The table of the network in a folder on its test images, beside the pixels' own, under what the images are.

    Raises:
        ValueError: no training there, or its data cannot be had.
    """
    about, model, images = _trained(out)
    rows = {PIXELS: pixel_scores(images), about["recipe"]: retrieval_scores(embed(model, images.x_test), images.y_test)}
    return f"{len(images.y_test):,} test images of {images.name} ({images.origin})\n\n{table(rows)}"


def show(out: Path, k: int = 8) -> list[Path]:
    """Draws neighbours.png and confusion.png for the index in a folder, and returns their paths.

    Raises:
        ValueError: no training there, or its data cannot be had.
    """
    _, _, images = _trained(out)
    index = Index.load(out / INDEX)
    if len(index) != len(images.y_test) or (index.labels != images.y_test).any():
        raise ValueError(f"the index in {out} is not of the test images of {images.name}")
    paths = [out / "neighbours.png", out / "confusion.png"]
    queries = one_of_each_class(index.labels)
    found = index.neighbours_of_each_other(k)
    rows = type(found)(*(array[queries] for array in found))
    neighbour_collage(paths[0], images.x_test, images.y_test, queries, rows, images.classes)
    neighbour_confusion(paths[1], index, images.classes)
    return paths


def pixel_scores(images: Images) -> Scores:
    """What the nearest neighbours of the test images' pixels reach."""
    return retrieval_scores(pixel_embeddings(images.x_test), images.y_test)


@dataclass(frozen=True)
class _Training:
    """A compiled model, the network inside of it, its twin for the files, and (epochs, batches) in their order."""

    model: EmbeddingModel
    network: keras.Model
    bare: keras.Model
    phases: list[tuple[int, MPerClass]]


def _fit(training: _Training, recipe: Recipe, folder: Path, report: Report) -> History:
    """Trains phase by phase: batches of another size are another graph."""
    history: History = []
    for number, (count, batches) in enumerate(training.phases):
        done = len(history)
        samples = len(batches) * recipe.batch_size
        history += fit(
            training.model,
            DataSet(batches),
            epochs=done + count,
            first_epoch=done,
            folder=folder / f"phase-{number}",
            report=report,
            samples=samples,
            later=recipe.epochs - done - count,
            shuffle=True,
        )
    return [{**row, "images_per_second": samples / max(row["seconds"], 1e-3)} for row in history]


def _published(images: Images, recipe: Recipe, seed: int) -> _Training:
    shape = images.x_train.shape[1:]
    network, bare = (networks.published(shape, seed=seed) for _ in range(2))
    model = EmbeddingModel(network.input, network.output)
    model.compile(
        keras.optimizers.Adam(recipe.learning_rate),
        PairSoftmax(temperature=0.2),
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    batches = MPerClass(
        images.x_train,
        images.y_train,
        m=recipe.of_each(len(images.classes)),
        batches=recipe.batches,
        as_pairs=True,
        seed=seed,
    )
    return _Training(model, network, bare, [(recipe.epochs, batches)])


def _best(images: Images, recipe: Recipe, seed: int) -> _Training:
    side = images.x_train.shape[1]
    network = networks.residual((None, None, 3), seed=seed, dtype=recipe.precision, fused=True)
    bare = networks.residual(images.x_train.shape[1:])
    phases, small = [], round(SMALL_CROPS * recipe.epochs)
    for count, size in ((small, side * 3 // 4), (recipe.epochs - small, side)):
        crop = RandomCrop(size, padding=side // 16, flip=images.name != "digits")
        batches = MPerClass(
            images.x_train,
            images.y_train,
            m=recipe.of_each(len(images.classes)),
            batches=recipe.batches,
            seed=seed,
            augment=crop,
        )
        phases += [(count, batches)] if count else []
    model = EmbeddingModel(network.input, network.output)
    steps = recipe.epochs * len(batches)
    model.compile(
        keras.optimizers.SGD(OneCycle(recipe.learning_rate, steps), momentum=0.9, nesterov=True, weight_decay=5e-3),
        NormalizedSoftmax(len(images.classes), network.output_shape[-1], temperature=0.1, seed=seed),
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    return _Training(model, network, bare, phases)


def _write(out: Path, model: keras.Model, history: History, index: Index, about: dict[str, Any]) -> dict[str, Path]:
    files = {name: out / name for name in (NETWORK, "embedding.h5", "history.csv", ABOUT, INDEX)}
    with quiet_saving():
        model.save(files[NETWORK])
        model.save(files["embedding.h5"])
    write_csv(files["history.csv"], history)
    write_json(files[ABOUT], about)
    index.save(files[INDEX])
    return files


def _trained(folder: Path) -> tuple[dict[str, Any], keras.Model, Images]:
    """What a training left in `folder`: how it was trained, the network, and the images."""
    try:
        about = json.loads((folder / ABOUT).read_text())
        recipe, data = about["recipe"], about["data"]
        images = IMAGES[data]
    except FileNotFoundError:
        raise ValueError(
            f"there is no {folder / ABOUT}: train first, with python -m zoo train metric_learning"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / ABOUT} is damaged: {error}") from error
    path = folder / NETWORK
    if not path.is_file():
        raise ValueError(f"there is no {path}: train again, with --recipe {recipe} --data {data}")
    return about, keras.saving.load_model(path, compile=False), images()
