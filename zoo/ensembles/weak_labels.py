"""What an untrained ensemble thinks alike trains an embedding network: weak labels from nothing but images."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from sklearn.neighbors import NearestNeighbors

from zoo.datasets import Images
from zoo.ensembles.networks import learner
from zoo.ensembles.published_test import Examples, unit
from zoo.ensembles.random_ensemble import adapt, filters_for, random_ensemble
from zoo.ensembles.recipe import WeakRecipe
from zoo.ensembles.similarity import positive_first, to_anchor
from zoo.metric_learning.embedding_model import EmbeddingModel
from zoo.metric_learning.losses import PairSoftmax
from zoo.runs.data_set import DataSet
from zoo.screen import Report, silent
from zoo.training import fit

Array = np.ndarray


def nearest(embeddings: Array) -> Array:
    """Index of each image's nearest other image under the summed similarity, (images,).

    Args:
        embeddings: (images, members, dimensions), of unit length. Side by side they all have the same length, so that
            the greatest sum of products is the least distance.
    """
    flat = embeddings.reshape(len(embeddings), -1)
    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(flat).kneighbors(return_distance=False)[:, 0]


def recall_at_1(embeddings: Array, labels: Array) -> float:
    """Share of images whose nearest other image has their label; embeddings (images, members, dimensions), unit."""
    return float((labels[nearest(embeddings)] == labels).mean())


def learn(
    images: Array,
    partners: Array,
    *,
    recipe: WeakRecipe,
    seed: int = 0,
    folder: Path | None = None,
    name: str = "",
    later: int = 0,
    report: Report = silent,
) -> EmbeddingModel:
    """Trains a `learner` on pairs of images.

    Args:
        images: (images, height, width, channels), uint8.
        partners: index of each image's partner, (images,).
        recipe: how.
        seed: seeds weights and order.
        folder, name, later: as `zoo.training.fit`.
        report: takes a line after each epoch.
    """
    keras.utils.set_random_seed(seed)
    model = learner(images.shape[1:], dimensions=recipe.dimensions, seed=seed)
    model.compile(keras.optimizers.Adam(recipe.learning_rate), PairSoftmax(recipe.temperature))
    pairs = np.stack([images, images[partners]], axis=1)
    own = np.arange(len(images), dtype=np.int32)  # each pair is a class of its own
    fit(
        model,
        DataSet((pairs, own), batch_size=recipe.batch_size),
        epochs=recipe.epochs,
        folder=folder,
        report=report,
        seed=seed,
        name=name,
        unit="pairs",
        later=later,
    )
    return model


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Attributes:
        model: the network that learnt from the pseudo pairs.
        right: share of pseudo pairs whose images have one class; labels serve for nothing else.
        scores: by method, R@1 on test images and the share of positives before all negatives.
    """

    model: EmbeddingModel
    right: float
    scores: dict[str, tuple[float, float]]


def compare(
    data: Images,
    examples: Examples,
    *,
    recipe: WeakRecipe | None = None,
    tested: int = 2_000,
    seed: int = 0,
    folder: Path | None = None,
    report: Report = silent,
) -> Comparison:
    """Trains on pseudo pairs, and measures the result beside what needs no training.

    Beside it stand centred pixels, one random member, the ensemble that found the pairs (centred on the unlabelled
    training images, and so not transductive here), and the same training on partners drawn at random.

    Args:
        data: training images are taken without labels, test images with them.
        examples: anchors, positives and negatives of the same shape.
        recipe: how to train.
        tested: test images for R@1.
        seed: seeds ensemble, training and choice of images.
        folder: of both trainings, which go on where they were stopped; None for ones that cannot.
        report: takes lines on the way.
    """
    recipe = recipe or WeakRecipe()
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(data.x_train))[: recipe.unlabelled]
    unlabelled = data.x_train[chosen]
    x_test, y_test = data.x_test[:tested], data.y_test[:tested]
    shape = unlabelled.shape[1:]
    ensemble = random_ensemble(
        recipe.members, transform="centred", seed=seed, input_shape=shape, filters=filters_for(shape)
    )
    adapt(ensemble, _scaled(unlabelled))
    partners = nearest(_embed(ensemble, _scaled(unlabelled)))
    labels = data.y_train[chosen]
    right = float((labels[partners] == labels).mean())
    report(f"{len(chosen):,} pseudo pairs, {right:.3f} of one class (chance {1 / len(data.classes):.2f})")
    trainings = {"weak labels": partners, "random pairs": rng.permutation(len(unlabelled))}
    learnt, control = (
        learn(
            unlabelled,
            towards,
            recipe=recipe,
            seed=seed,
            folder=folder / name.replace(" ", "-") if folder else None,
            name=name,
            later=recipe.epochs * (1 - number),
            report=report,
        )
        for number, (name, towards) in enumerate(trainings.items())
    )

    mean = _scaled(unlabelled).mean(axis=0)
    ways: dict[str, Callable[[Array], Array]] = {
        "pixels, centred": lambda x: unit((x - mean).reshape(len(x), 1, -1)),
        "one random member": lambda x: _embed(ensemble, x)[:, :1],
        f"random ensemble of {recipe.members}": lambda x: _embed(ensemble, x),
        "learnt from random pairs": lambda x: control.predict(x * 255, batch_size=100, verbose=0)[:, None],
        "learnt from weak labels": lambda x: learnt.predict(x * 255, batch_size=100, verbose=0)[:, None],
    }
    count, each = examples.images.shape[:2]
    scores = {}
    for name, way in ways.items():
        embedded = way(examples.images.reshape(-1, *shape))
        similar = np.asarray(to_anchor(embedded.reshape(count, each, *embedded.shape[1:]))).sum(axis=1)
        scores[name] = (recall_at_1(way(_scaled(x_test)), y_test), float(positive_first(similar).mean()))
    return Comparison(learnt, right, scores)


def _scaled(images: Array) -> Array:
    return images.astype(np.float32) / 255


def _embed(model: keras.Model, images: Array) -> Array:
    return model.predict(images, batch_size=50, verbose=0)
