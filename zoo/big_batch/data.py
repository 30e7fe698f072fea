"""Images in all eight rotations and flips, made once before training. Numpy only."""

import time
from dataclasses import dataclass

import numpy as np

from zoo.datasets import Images, cifar10, landsat, stand_in_for_landsat

Array = np.ndarray


@dataclass(frozen=True)
class Set:
    """Images to train and to validate with.

    Attributes:
        name, origin: of the set.
        train, validate: images (n, side, side, channels), float32, and labels (n,).
        classes: how many.
        goal: validation accuracy, the time to which is taken.
    """

    name: str
    origin: str
    train: tuple[Array, Array]
    validate: tuple[Array, Array]
    classes: int
    goal: float


def eightfold(x: Array, y: Array) -> tuple[Array, Array]:
    """Every image (n, side, side, channels) in all rotations by a quarter, mirrored and not: eight times as many."""
    turned = [np.rot90(flipped, turn, (1, 2)) for flipped in (x, x[:, :, ::-1]) for turn in range(4)]
    return np.concatenate(turned), np.tile(y, 8)


def anew(random: np.random.Generator, x: Array) -> Array:
    """The other way: every image in one of the eight ways, drawn whenever it is shown."""
    found = np.empty_like(x)
    for index, way in enumerate(random.integers(8, size=len(x))):
        image = x[index, :, ::-1] if way >= 4 else x[index]
        found[index] = np.rot90(image, way % 4)
    return found


def cost_of_augmentation(x: Array, y: Array) -> dict[str, float]:
    """Seconds and bytes of both ways: all eight once in advance; as many images drawn anew in every epoch."""
    random, began = np.random.default_rng(0), time.perf_counter()
    many, _ = eightfold(x, y)
    once = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(8):
        anew(random, x)
    return {
        "seconds once": once,
        "seconds each epoch": time.perf_counter() - began,
        "bytes in advance": float(many.nbytes),
        "bytes anew": float(x.nbytes),
    }


def _set(images: Images, x: Array, x_validate: Array, goal: float) -> Set:
    mean, deviation = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    x, x_validate = (((one - mean) / deviation).astype(np.float32) for one in (x, x_validate))
    train = eightfold(x, images.y_train[: len(x)])
    validate = (x_validate, images.y_test[: len(x_validate)])
    return Set(images.name, images.origin, train, validate, len(images.classes), goal)


def patches(images: Images) -> Set:
    """Landsat: 35,480 patches of 3x3 pixels in 4 bands."""
    return _set(images, images.x_train.astype(np.float32), images.x_test.astype(np.float32), 0.8)


def pictures(images: Images, count: int = 5_000) -> Set:
    """CIFAR-10 at 16x16: `count` images, eight times."""

    def halved(x: Array) -> Array:
        n, side, _, c = x.shape
        return x.reshape(n, side // 2, 2, side // 2, 2, c).mean(axis=(2, 4), dtype=np.float32)

    return _set(images, halved(images.x_train[:count]), halved(images.x_test[:2_000]), 0.35)


SETS = {
    "landsat": lambda: patches(landsat()),
    "cifar10": lambda: pictures(cifar10()),
    "stand-in": lambda: patches(stand_in_for_landsat(100, 60)),
}
"""Every set, by the name that `--data` takes."""
