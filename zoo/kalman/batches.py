"""Why larger batches and Adam "did not help": what each step of each training saw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from zoo.kalman import reference
from zoo.kalman.evaluation import RATE, errors
from zoo.kalman.model import build
from zoo.kalman.published import PublishedCell
from zoo.kalman.recipe import Recipe
from zoo.kalman.throws import STEPS, observe, random_throws
from zoo.tables import aligned

Array = np.ndarray

OPTIMIZERS = {"plain gradient": (keras.optimizers.SGD, 0.001), "Adam": (keras.optimizers.Adam, 0.03)}
"""Optimizers of the table, and the rate of each."""

FINDING = (
    "In small batches the longest gradient is hundreds of times the median: a few throws with several losses in a row "
    "make the loss, and neither batch nor optimizer mends that; pass over what is missing instead."
)


@dataclass(frozen=True)
class Steps:
    """What one training saw.

    Attributes:
        batch, optimizer, clipped: how it was done.
        losses, norms: at each step, the loss and the length of the gradient before it was clipped.
        error: on the grid of throws afterwards.
    """

    batch: int
    optimizer: str
    clipped: bool
    losses: list[float]
    norms: list[float]
    error: float


def _gradients(model: keras.Model) -> Callable[[Array, Array], tuple[tf.Tensor, list[tf.Tensor]]]:
    """One graph for all trainings: from what was seen and where throws were to the loss and its gradients."""

    @tf.function(input_signature=[tf.TensorSpec((None, STEPS, 3)), tf.TensorSpec((None, STEPS, 2))])
    def both(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x) - y))
        return loss, tape.gradient(loss, model.trainable_variables)

    return both


def follow_all(recipe: Recipe, seed: int) -> list[Steps]:
    """Trains the published filter for `recipe.steps` steps, and writes down what each of them saw.

    Batches of 1, 8 and all, plain gradient and Adam, as it is and clipped to a length of 1; all from one start.
    """
    positions = random_throws(recipe.throws, seed).astype("float32")
    seen = observe(positions, recipe.missing_rate, seed)
    model = build(PublishedCell(), "published")
    start, gradients = model.get_weights(), _gradients(model)
    rows = []
    for clipped in (False, True):
        for optimizer, (kind, rate) in OPTIMIZERS.items():
            for batch in (1, min(8, recipe.throws), recipe.throws):
                model.set_weights(start)
                updates = kind(rate, global_clipnorm=1.0 if clipped else None)
                updates.build(model.trainable_variables)
                random, order, losses, norms = np.random.default_rng((seed, 2)), np.zeros(0, int), [], []
                for _ in range(recipe.steps):
                    if len(order) < batch:
                        order = np.concatenate([order, random.permutation(recipe.throws)])
                    now, order = order[:batch], order[batch:]
                    loss, found = gradients(seen[now], positions[now])
                    losses.append(float(loss))
                    norms.append(float(np.sqrt(sum(float(one) ** 2 for one in found if one is not None))))
                    updates.apply(found, model.trainable_variables)
                numbers = reference.numbers_of(model.get_layer("filter").cell)
                off = errors(lambda inputs, numbers=numbers: reference.predict(numbers, inputs), RATE, 3)
                rows.append(Steps(batch, optimizer, clipped, losses, norms, float(off.mean())))
    return rows


def batch_table(rows: Sequence[Steps]) -> str:
    """A row for each training, and what was found."""
    head = ["batch", "optimizer", "clipped", "error", "median gradient", "longest", "first loss", "last tenth"]
    lines = [head]
    for row in rows:
        last = np.mean(row.losses[-max(1, len(row.losses) // 10) :])
        numbers = [f"{row.error:.2f}", f"{np.median(row.norms):.3g}", f"{np.max(row.norms):.3g}"]
        losses = [f"{row.losses[0]:.2f}", f"{last:.2f}"]
        lines.append([f"{row.batch}", row.optimizer, "yes" if row.clipped else "no", *numbers, *losses])
    return f"{aligned(lines)}\n{FINDING}"


def by_name(rows: Sequence[Steps]) -> Mapping[str, list[float]]:
    """The losses of the trainings without clipping, each under a name."""
    return {f"{row.optimizer}, batch {row.batch}": row.losses for row in rows if not row.clipped}
