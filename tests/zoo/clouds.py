"""Three small classifiers of clouds of points, for the tests that need trained networks."""

import numpy as np

from zoo.quiet import quiet_import

with quiet_import():
    import keras
from outlier_samples import CLASSES

from zoo.ood.classifier import Classifier


def clouds(count, seed):
    random = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    centres = 2.0 * np.eye(CLASSES, 8)
    return (centres[y] + random.normal(0, 0.2, (count, 8))).astype("f"), y


def between(count, seed):
    random = np.random.default_rng(seed)
    return (0.5 * np.eye(CLASSES, 8).sum(axis=0) + random.normal(0, 0.2, (count, 8))).astype("f")


def network(seed, x, y, activation="relu"):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, activation, kernel_initializer=keras.initializers.HeNormal(seed)),
            keras.layers.Dense(CLASSES, kernel_initializer=keras.initializers.HeNormal(seed + 1)),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    model.fit(x, y, batch_size=50, epochs=12, shuffle=False, verbose=0)
    return model


def three_networks():
    """The models, their classifier, and the points and classes that they were trained on."""
    x, y = clouds(400, 0)
    models = [network(10 * seed, x, y) for seed in range(3)]
    return models, Classifier(models), x, y
