"""The published test: is the positive nearer to the anchor than nine negatives?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.datasets import Images, embedding_test_set
from zoo.ensembles.embedding_transform import EmbeddingTransform
from zoo.ensembles.random_ensemble import filters_for, plain_embedder, random_ensemble
from zoo.ensembles.similarity import positive_first, to_anchor
from zoo.screen import Report, silent
from zoo.tables import aligned, mean_and_spread

Array = np.ndarray

TRANSFORMS = {"unit length": None, "centred": "centred", "whitened": "whitened"}
"""What is done to the embeddings of each member, of unit length before and after. That they get unit length before
centring, too, was settled on the published examples, so what it gains there was not held out."""

PUBLISHED = {("unit length", 1): 0.273, ("unit length", 10): 0.40}
"""Reported by Mat Kelcey, by transform and number of members; his normalisation amounts to the signs of embeddings."""


@dataclass(frozen=True)
class Examples:
    """Anchors, positives and negatives.

    Attributes:
        name: what to print beside every number.
        images: (examples, 2 + negatives, height, width, channels), float32, 0 to 1: anchor, positive, negatives.
    """

    name: str
    images: Array


def published_examples() -> Examples:
    """The hundred examples of the published test, from `$ZOO_DATA`."""
    return Examples("the published test set", embedding_test_set())


def drawn_examples(images: Images, *, examples: int = 100, seed: int = 0) -> Examples:
    """The same kind of set from labelled test images: each time another class, and one negative of each other class.

    Args:
        images: at least two classes with two test images each.
        examples: how many.
        seed: seeds the draws.
    """
    rng = np.random.default_rng(seed)
    by_class = [np.flatnonzero(images.y_test == label) for label in range(len(images.classes))]
    if len(by_class) < 2 or min(map(len, by_class)) < 2:
        raise ValueError(f"{images.name} has not two test images of each of two classes")
    rows = []
    for number in range(examples):
        label = number % len(by_class)
        pair = rng.choice(by_class[label], 2, replace=False)
        rows.append([*pair, *(rng.choice(other) for which, other in enumerate(by_class) if which != label)])
    return Examples(f"examples drawn from {images.name}", images.x_test[np.array(rows)].astype(np.float32) / 255)


def pixel_accuracy(examples: Examples) -> float:
    """The baseline: cosine of the centred pixels."""
    flat = examples.images.reshape(*examples.images.shape[:2], 1, -1)
    return float(positive_first(to_anchor(unit(flat - flat.mean(axis=(0, 1)))))[:, 0].mean())


def accuracies(
    examples: Examples,
    *,
    ensembles: int = 10,
    sizes: Sequence[int] = (1, 10, 100),
    seed: int = 0,
    report: Report = silent,
) -> dict[str, Array]:
    """Accuracy of ensembles of so many members, under each of `TRANSFORMS`.

    Every ensemble has weights of its own, and its smaller sizes are its first members. Means and covariances are those
    of the examples' own images, without labels: transductive.

    Args:
        examples: what to measure on.
        ensembles: how many, for means and deviations.
        sizes: numbers of members.
        seed: the first ensemble's seed; the others follow.
        report: takes a line after each ensemble.

    Returns:
        By transform, (ensembles, sizes).
    """
    count, each, *shape = examples.images.shape
    flat = examples.images.reshape(-1, *shape)
    found: dict[str, list[list[float]]] = {name: [] for name in TRANSFORMS}
    model = random_ensemble(max(sizes), input_shape=tuple(shape), filters=filters_for(shape), seed=seed)
    members = plain_embedder(model)
    for number in range(ensembles):
        if number:
            model.get_layer("members").initialize(seed + number)  # one graph for all: tracing takes longer than running
        plain = members.predict(flat, batch_size=50, verbose=0)
        for name, mode in TRANSFORMS.items():
            embeddings = plain
            if mode is not None:
                layer = EmbeddingTransform(mode)
                layer.adapt(plain)
                embeddings = unit(np.asarray(layer(plain)))
            similar = np.asarray(to_anchor(embeddings.reshape(count, each, *plain.shape[1:])))
            found[name].append([float(positive_first(similar[:, :size].sum(axis=1)).mean()) for size in sizes])
        report(f"ensemble {number + 1}/{ensembles}")
    return {name: np.array(values) for name, values in found.items()}


def unit(embeddings: Array) -> Array:
    """The same directions at length 1 along the last axis; 0 stays 0."""
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=-1, keepdims=True), 1e-12)


def table(found: dict[str, Array], sizes: Sequence[int], *, published: bool) -> str:
    """Mean and deviation over ensembles for each transform and size, beside the published figures where they apply."""
    rows = [["positive first", *(f"{size} member{'s' if size > 1 else ''}" for size in sizes)]]
    for name, values in found.items():
        deviations = values.std(axis=0, ddof=1 if len(values) > 1 else 0)
        rows.append([name, *(mean_and_spread(*pair, 3) for pair in zip(values.mean(axis=0), deviations, strict=True))])
    if published:
        reported = [PUBLISHED.get(("unit length", size)) for size in sizes]
        rows.append(["published", *("" if value is None else f"{value:.3f}" for value in reported)])
    return aligned(rows, left=True)
