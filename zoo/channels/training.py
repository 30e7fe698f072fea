"""Networks from a seed to their weights, and what a choice of channels is worth to them."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo.channels.data import Channels
from zoo.channels.network import inputs_of
from zoo.channels.recipe import Recipe
from zoo.channels.searches import Evaluate
from zoo.runs.data_set import DataSet
from zoo.screen import Report, silent
from zoo.training import fit

Array = np.ndarray


def full(channels: int, count: int) -> Array:
    """The genes of every channel at its finest, (count, channels)."""
    return np.ones((count, channels), np.int32)


def fit_model(
    model: keras.Model,
    data: Channels,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    folder: Path | None = None,
    report: Report = silent,
    name: str = "",
    genes: Array | None = None,
) -> None:
    """Trains a network on every channel, or a pruned one (`genes` says of what) on those that it has."""
    x, y = data.train
    keras.utils.set_random_seed(seed)
    given = [x, full(x.shape[-1], len(x))] if genes is None else inputs_of(genes, x, data.sides)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(recipe.learning_rate), loss)
    inputs = tuple(given) if len(given) > 1 else given[0]
    fit(
        model,
        DataSet((inputs, y), batch_size=recipe.batch_size),
        epochs=epochs,
        folder=folder,
        report=report,
        seed=seed,
        name=name,
    )


def accuracy(model: keras.Model, part: tuple[Array, Array], genes: Array) -> float:
    """Of a network with these genes, (channels,)."""
    x, y = part
    given = [x, np.tile(np.asarray(genes, np.int32), (len(x), 1))]
    return float(np.mean(model.predict(given, batch_size=1_000, verbose=0).argmax(-1) == y))


def pruned_accuracy(model: keras.Model, part: tuple[Array, Array], genes: Array, sides: Sequence[int]) -> float:
    """Of a pruned network."""
    given = inputs_of(genes, part[0], sides)
    logits = model.predict(given if len(given) > 1 else given[0], batch_size=1_000, verbose=0)
    return float(np.mean(logits.argmax(-1) == part[1]))


def costs(genes: Array, sides: Sequence[int]) -> Array:
    """Pixels that are read over those of every channel at its finest, (n,)."""
    pixels = np.array([0.0, *(side**2 / sides[0] ** 2 for side in sides)])
    return pixels[genes].mean(axis=-1)


def judge(model: keras.Model, data: Channels, judged: int) -> Evaluate:
    """What a choice is worth: cross entropy on images of the search's split, and the cost."""
    x, y = (tf.constant(one[:judged]) for one in data.search)

    @tf.function(input_signature=[tf.TensorSpec((x.shape[-1],), tf.int32)])
    def loss(genes: tf.Tensor) -> tf.Tensor:
        logits = model([x, tf.tile(genes[None], (tf.shape(x)[0], 1))], training=False)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))

    def evaluate(genes: Array) -> Array:
        losses = [float(loss(one.astype(np.int32))) for one in genes]
        return np.stack([losses, costs(genes, data.sides)], axis=1)

    return evaluate
