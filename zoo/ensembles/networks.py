"""The small networks that are trained here: a member of a classifier, and an embedding network."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from zoo.ensembles.random_ensemble import filters_for
from zoo.metric_learning.embedding_model import EmbeddingModel
from zoo.seeds import initial_seeds


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
    widths = [width // 2 for width in filters_for(input_shape)[:3]]
    images, x, start = _convolutions(input_shape, widths, keras.layers.Rescaling(1 / 127.5, -1.0, name="scale"), seed)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(classes, kernel_initializer=start(), name="logits")(x)
    return keras.Model(images, x, name=name)


def learner(
    input_shape: tuple[int, int, int], *, dimensions: int = 64, seed: int | None = None, name: str = "weak_learner"
) -> EmbeddingModel:
    """A small embedding network: 3x3 convolutions of 32, 64 and 128 filters, stride 2, average, dense, unit length.

    Args:
        input_shape: height, width and channels, of numbers from 0 to 255.
        dimensions: of the embedding.
        seed: seeds the initial weights; None takes them from Keras' global seed.
        name: name of the model.
    """
    widths = filters_for(input_shape)[:3]
    images, x, start = _convolutions(input_shape, widths, keras.layers.Rescaling(1 / 255, name="scale"), seed)
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = keras.layers.Dense(dimensions, kernel_initializer=start(), name="embedding")(x)
    return EmbeddingModel(images, keras.layers.UnitNormalization(name="unit_length")(x), name=name)


def _convolutions(
    input_shape: tuple[int, int, int], widths: Sequence[int], scale: keras.layers.Layer, seed: int | None
) -> tuple[Any, Any, Callable[[], keras.Initializer]]:
    """Input, what the convolutions make of it, and what starts the dense layer behind them."""
    seeds = iter(initial_seeds(seed, len(widths) + 1))
    images = keras.Input(input_shape, name="images")
    x = scale(images)
    for index, width in enumerate(widths):
        start = keras.initializers.HeUniform(seed=next(seeds))
        x = keras.layers.Conv2D(width, 3, strides=2, activation="relu", kernel_initializer=start, name=f"conv_{index}")(
            x
        )
    return images, x, lambda: keras.initializers.GlorotUniform(seed=next(seeds))
