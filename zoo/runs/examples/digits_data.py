"""Handwritten digits of 8 x 8 pixels, shifted a little while training: a data configuration.

cd zoo/runs/examples; python -m zoo train run --name digits --data digits_data.py --model digits_model.py
"""

from types import SimpleNamespace

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from zoo.datasets import digits
from zoo.runs import Batches, DataSet

FLAGS = {"batch_size": 64, "shift": 1}


def load(flags: SimpleNamespace) -> DataSet:
    """A fifth of the training images is held out to find the best epoch."""
    images = digits()
    x = images.x_train[:, ::2, ::2, :1].astype(np.float32) / 255  # the pixels as they were written, once each
    x_test = images.x_test[:, ::2, ::2, :1].astype(np.float32) / 255
    cut = len(x) * 4 // 5

    def shifted(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every image moved by up to `shift` pixels, round the edge, which is empty."""
        down, right = generator.integers(-flags.shift, flags.shift + 1, size=(2, len(x), 1))
        rows, columns = (np.arange(8) + down) % 8, (np.arange(8) + right) % 8
        return x[np.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]], y

    train = Batches(x[:cut], images.y_train[:cut], batch_size=flags.batch_size, seed=flags.seed, augment=shifted)
    return DataSet(
        train,
        validation=(x[cut:], images.y_train[cut:]),
        test=(x_test, images.y_test),
        batch_size=flags.batch_size,
    )


def baselines(data: DataSet) -> dict[str, dict[str, float]]:
    """What is reached without training: the nearest neighbours among the pixels."""
    x, y = data.train.arrays
    x_test, y_test = data.test
    neighbours = KNeighborsClassifier(3).fit(x.reshape(len(x), -1), y)
    return {"3 nearest neighbours on pixels": {"accuracy": neighbours.score(x_test.reshape(len(x_test), -1), y_test)}}
