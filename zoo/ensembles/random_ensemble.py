"""The untrained embedding network, and M of them as one model."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo.ensembles.embedding_transform import EmbeddingTransform
from zoo.ensembles.stacked import Stacked
from zoo.seeds import initial_seeds

FILTERS = (32, 64, 128, 256)
DIMENSIONS = 32


def filters_for(shape: Sequence[int]) -> tuple[int, ...]:
    """The network's filters, as many convolutions as fit into images of this height, width and channels."""
    fit = int(np.log2(min(shape[:2]) + 1)) - 1
    if fit < 1:
        raise ValueError(f"images of {shape[0]} x {shape[1]} are too small for any convolution")
    return FILTERS[:fit]


def embedder(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    *,
    filters: Sequence[int] = FILTERS,
    dimensions: int = DIMENSIONS,
    seed: int | None = None,
    name: str = "embedder",
) -> keras.Model:
    """One member: 3x3 convolutions of stride 2 without padding, relu, and two dense layers; 397,696 parameters.

    Every kernel is orthogonal, every bias 0. The output is not yet brought to unit length.

    Args:
        input_shape: height, width and channels, of numbers from 0 to 1.
        filters: of the convolutions; each halves height and width.
        dimensions: of the hidden dense layer and of the embedding.
        seed: seeds the initial weights; None takes them from Keras' global seed.
        name: name of the model.

    Raises:
        ValueError: images that are too small for so many convolutions.

    Reference:
        Mat Kelcey 2020, "a jax random embedding ensemble network".
    """
    smallest = 2 ** (len(filters) + 1) - 1
    if min(input_shape[:2]) < smallest:
        raise ValueError(f"{len(filters)} convolutions need images of {smallest} x {smallest}, not {input_shape[:2]}")
    seeds = iter(initial_seeds(seed, len(filters) + 2))

    def orthogonal() -> keras.initializers.Initializer:
        return keras.initializers.Orthogonal(seed=next(seeds))

    images = x = keras.Input(input_shape, name="images")
    for index, width in enumerate(filters):
        x = keras.layers.Conv2D(
            width, 3, strides=2, activation="relu", kernel_initializer=orthogonal(), name=f"conv_{index}"
        )(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(dimensions, activation="relu", kernel_initializer=orthogonal(), name="hidden")(x)
    x = keras.layers.Dense(dimensions, kernel_initializer=orthogonal(), name="embedding")(x)
    return keras.Model(images, x, name=name)


def random_ensemble(
    members: int = 10,
    *,
    transform: str | None = None,
    seed: int | None = None,
    name: str = "random_ensemble",
    **arguments: Any,
) -> keras.Model:
    """M untrained embedders in one model, each with weights and unit length of its own.

    Args:
        members: M.
        transform: None, "centred" or "whitened": what is done to the embeddings, of unit length before and after; see
            `EmbeddingTransform`, and `adapt` below.
        seed: seeds the weights; None takes them from Keras' global seed.
        name: name of the model.
        **arguments: `input_shape`, `filters` and `dimensions` of `embedder`.

    Returns:
        A functional model from images (batch, height, width, channels), 0 to 1, to (batch, members, dimensions).
    """
    member = embedder(**arguments, seed=0)
    images = keras.Input(member.input_shape[1:], name="images")
    x = Stacked(member, members, seed=seed, name="members")(images)
    x = keras.layers.UnitNormalization(axis=-1, name="unit_length")(x)
    if transform is not None:
        # Unit length before too: else the brightest images would decide where the mean lies.
        x = EmbeddingTransform(transform, name="transform")(x)
        x = keras.layers.UnitNormalization(axis=-1, name="unit_length_again")(x)
    return keras.Model(images, x, name=name)


def plain_embedder(model: keras.Model) -> keras.Model:
    """The members of a random ensemble at unit length, before any transform; weights are shared."""
    return keras.Model(model.input, model.get_layer("unit_length").output, name="plain_embedder")


def adapt(model: keras.Model, images: np.ndarray, *, batch_size: int = 50) -> None:
    """Fits the transform of a random ensemble to unlabelled images; transductive if they are also the ones compared."""
    try:
        transform = model.get_layer("transform")
    except ValueError:
        raise ValueError(f"{model.name} was built without a transform, so there is nothing to adapt") from None
    transform.adapt(plain_embedder(model).predict(images, batch_size=batch_size, verbose=0))
