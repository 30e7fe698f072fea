"""Image data by name: from `$ZOO_DATA` first, else what Keras downloads, else what scikit-learn carries along."""

import gzip
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.archives import SIGNS_OF_DAMAGE, read_arrays

Array = np.ndarray

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Images:
    """Labelled images in two splits.

    Attributes:
        name: what to call the set.
        origin: where it came from, to be printed beside every number.
        x_train, x_test: (n, height, width, 3), uint8.
        y_train, y_test: (n,), int32, from 0.
        classes: a name for each label.
    """

    name: str
    origin: str
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    classes: tuple[str, ...]


def cifar10() -> Images:
    """CIFAR-10 (Krizhevsky 2009): 50,000 and 10,000 images of 32 x 32 in ten classes.

    Raises:
        ValueError: neither a file nor a download, and what to do about it; or the file is damaged.
    """
    path = _in_zoo_data("cifar10.npz")
    if path is not None:
        held = read_arrays(path)
        missing = {"x_train", "y_train", "x_test", "y_test"} - set(held)
        if missing:
            raise ValueError(f"{path} has no {', '.join(sorted(missing))}")
        arrays = tuple(held[name] for name in ("x_train", "y_train", "x_test", "y_test"))
        origin = path.name + " from $ZOO_DATA"
    else:
        import keras

        try:
            train, test = keras.datasets.cifar10.load_data()
        except Exception as error:  # Keras raises a bare Exception when a download fails
            raise ValueError(
                "CIFAR-10 cannot be downloaded; set ZOO_DATA to a folder that holds cifar10.npz (x_train, y_train, "
                f"x_test, y_test), or choose --data digits ({error})"
            ) from error
        arrays, origin = (*train, *test), "keras.datasets"
    x_train, y_train, x_test, y_test = arrays
    return Images(
        "cifar10",
        origin,
        x_train,
        y_train.reshape(-1).astype(np.int32),
        x_test,
        y_test.reshape(-1).astype(np.int32),
        CIFAR10_CLASSES,
    )


def digits() -> Images:
    """scikit-learn's handwritten digits, 1,437 and 360 images of 8 x 8, each pixel twice as wide and high: 16 x 16 x 3.

    For tests and for a first look without any data set: small, always there, and too easy to prove anything.
    """
    from sklearn.datasets import load_digits

    held = load_digits()
    grey = np.rint(held.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(grey.repeat(2, 1).repeat(2, 2)[..., None], 3, axis=-1)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], held.target[order].astype(np.int32)
    cut = len(images) * 4 // 5
    return Images("digits", "scikit-learn", images[:cut], labels[:cut], images[cut:], labels[cut:], tuple("0123456789"))


LANDSAT_CLASSES = ("red soil", "cotton crop", "grey soil", "damp grey soil", "stubble", "very damp grey soil")


def landsat() -> Images:
    """Statlog Landsat: 4,435 and 2,000 patches of 3 x 3 pixels in 4 bands, six classes (its labels 1 to 5 and 7).

    Raises:
        ValueError: the file is damaged, of another shape, or not in `$ZOO_DATA`.

    Reference:
        Srinivasan 1993, "Statlog (Landsat Satellite)", UCI Machine Learning Repository.
    """
    path = _in_zoo_data("landsat.npz")
    if path is None:
        raise ValueError("set ZOO_DATA to a folder that holds landsat.npz (x_train, y_train, x_test, y_test)")
    held = read_arrays(path)
    missing = {"x_train", "y_train", "x_test", "y_test"} - set(held)
    if missing:
        raise ValueError(f"{path} has no {', '.join(sorted(missing))}")
    parts = []
    for name in ("train", "test"):
        x, y = held[f"x_{name}"], held[f"y_{name}"].reshape(-1)
        x = x.reshape(len(x), 3, 3, 4) if x.size == 36 * len(x) else x
        if x.shape != (len(y), 3, 3, 4) or not len(y):
            raise ValueError(f"{path} holds patches of shape {x.shape} and {len(y)} labels, not (n, 3, 3, 4) and n")
        if not np.isin(y, (1, 2, 3, 4, 5, 7)).all():
            raise ValueError(f"{path} holds other labels than 1 to 5 and 7")
        parts += [x.astype(np.uint8), (y - 1 - (y == 7)).astype(np.int32)]
    return Images("landsat", f"{path.name} from $ZOO_DATA", *parts, LANDSAT_CLASSES)


def stand_in_for_landsat(train: int = 600, test: int = 200) -> Images:
    """Made-up patches of the shape of Landsat's: 3 x 3 pixels in 4 bands, six classes, each a colour with noise.

    For tests. The third band says most, the first least, and the fourth nearly what the third says.
    """
    random = np.random.default_rng(0)
    labels = random.integers(6, size=train + test).astype(np.int32)
    colours = np.stack([90 + 4 * (np.arange(6) % 2), 70 + 12 * (np.arange(6) % 3), 40 + 25 * np.arange(6)], axis=1)
    colours = np.concatenate([colours, 0.8 * colours[:, 2:]], axis=1)
    whole = colours[labels][:, None, None] + random.normal(0, 6, (train + test, 1, 1, 4))
    x = np.clip(whole + random.normal(0, 6, (train + test, 3, 3, 4)), 0, 255).astype(np.uint8)
    return Images("stand-in", "made up", x[:train], labels[:train], x[train:], labels[train:], LANDSAT_CLASSES)


IMAGES: dict[str, Callable[[], Images]] = {"cifar10": cifar10, "digits": digits}
"""Every set of labelled images, by the name that `--data` takes."""


def embedding_test_set() -> Array:
    """A hundred times an anchor, a positive of its class and nine negatives: (100, 11, 32, 32, 3), float32.

    Raises:
        ValueError: the file is damaged, or not in `$ZOO_DATA`. It is part of the public repository matpalm/shared_data.
    """
    path = _in_zoo_data("embedding_test_set.npy.gz")
    if path is None:
        raise ValueError("set ZOO_DATA to a folder that holds embedding_test_set.npy.gz (from matpalm/shared_data)")
    try:
        with gzip.open(path) as packed:
            content = io.BytesIO(packed.read())  # to the end, where the checksum is
        images = np.load(content, allow_pickle=False)
    except (gzip.BadGzipFile, *SIGNS_OF_DAMAGE) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if images.ndim != 5 or images.shape[1] != 11:
        raise ValueError(f"{path} holds {images.shape}, not (examples, 11, height, width, channels)")
    return images.astype(np.float32)


def _in_zoo_data(name: str) -> Path | None:
    """The file of this name in `$ZOO_DATA`; None where that is not set or holds no such file."""
    folder = os.environ.get("ZOO_DATA")
    path = Path(folder or ".") / name
    return path if folder and path.is_file() else None
