"""The training loop of every batch size and optimizer."""

import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from zoo.big_batch.data import Set
from zoo.big_batch.step import Step, accumulated

OPTIMIZERS = {
    "SGD with momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "Adam": lambda rate: keras.optimizers.Adam(rate),
    "Lamb": lambda rate: keras.optimizers.Lamb(rate),
}
"""Every optimizer, made from its rate."""

LOOKS = 10
"""How often in a training the validation images are looked at."""


@dataclass(frozen=True)
class Outcome:
    """What came of a training.

    Attributes:
        best, last: validation accuracy.
        seconds: of steps, without looks at the validation images.
        images_per_second: of these seconds.
        to_goal: seconds of steps until the set's goal was met; None if it was not.
        steps: taken.
    """

    best: float
    last: float
    seconds: float
    images_per_second: float
    to_goal: float | None
    steps: int


def build(data: Set, units: int, seed: int) -> keras.Model:
    """Two hidden layers, from images to logits."""
    shape = data.train[0].shape[1:]
    starts = [keras.initializers.GlorotUniform(seed=3 * seed + index) for index in range(3)]
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu", kernel_initializer=starts[0]),
            keras.layers.Dense(units, activation="relu", kernel_initializer=starts[1]),
            keras.layers.Dense(data.classes, kernel_initializer=starts[2]),
        ],
        name="big_batch",
    )


def train(
    model: keras.Model,
    data: Set,
    *,
    optimizer: str,
    rate: float,
    batch: int,
    steps: int,
    warm_up: float,
    seed: int,
    step: Step | None = None,
) -> Outcome:
    """Trains a model, and takes the time.

    Args:
        model: from images to logits.
        data: the set.
        optimizer: out of `OPTIMIZERS`.
        rate: at its highest.
        batch: samples; what is left over at the end of an epoch begins the next.
        steps: how many.
        warm_up: share of them in which the rate rises.
        seed: of the order.
        step: another than in one piece.

    Raises:
        ValueError: a batch larger than the set.
    """
    (x, y), (x_validate, y_validate) = data.train, data.validate
    if batch > len(x):
        raise ValueError(f"a batch of {batch:,} is larger than the set of {len(x):,} images")
    rule = OPTIMIZERS[optimizer](rate)
    step = step or accumulated(model, rule)
    images, labels, held = (tf.constant(one) for one in (x, y, x_validate))
    logits = tf.function(lambda: model(held, training=False))
    random, order, whole = np.random.default_rng((seed, 4)), np.zeros(0, int), batch == len(x)
    rising, seconds, to_goal, seen = max(1, round(warm_up * steps)), 0.0, None, []
    looks = set(np.rint(np.linspace(0, steps, LOOKS + 1)[1:]).astype(int).tolist())
    warmed = False
    for number in range(1, steps + 1):
        if len(order) < batch and not whole:
            order = np.concatenate([order, random.permutation(len(x))])
        now, order = order[:batch], order[batch:]
        rule.learning_rate.assign(rate * min(1.0, number / rising))
        began = time.perf_counter()
        given = (images, labels) if whole else (tf.gather(images, now), tf.gather(labels, now))
        float(step(*given))
        if warmed:  # the first step is the graph's making
            seconds += time.perf_counter() - began
        warmed = True
        if number in looks:
            seen.append(float(np.mean(logits().numpy().argmax(-1) == y_validate)))
            if to_goal is None and seen[-1] >= data.goal:
                to_goal = seconds
    speed = batch * max(1, steps - 1) / max(seconds, 1e-9)
    return Outcome(max(seen), seen[-1], seconds, speed, to_goal, steps)
