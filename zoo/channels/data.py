"""Images whose channels are to be chosen. Numpy only."""

from dataclasses import dataclass

import numpy as np

from zoo.datasets import Images, cifar10, landsat, stand_in_for_landsat

Array = np.ndarray


@dataclass(frozen=True)
class Channels:
    """Images in four parts, whose channels have names.

    Attributes:
        name, origin: of the set.
        train, search, test: images (n, side, side, channels), float32, and labels (n,): to train with, to choose by,
            and to report, which neither has seen.
        names: of the channels.
        sides: resolutions, the finest first.
        classes: how many.
    """

    name: str
    origin: str
    train: tuple[Array, Array]
    search: tuple[Array, Array]
    test: tuple[Array, Array]
    names: tuple[str, ...]
    sides: tuple[int, ...]
    classes: int


def _parts(
    images: Images, x: Array, x_test: Array, held: int, names: tuple[str, ...], sides: tuple[int, ...]
) -> Channels:
    mean, deviation = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2)) + 1e-6
    x, x_test = (((one - mean) / deviation).astype(np.float32) for one in (x, x_test))
    order = np.random.default_rng(0).permutation(len(x))
    train, search = order[held:], order[:held]
    return Channels(
        images.name,
        images.origin,
        (x[train], images.y_train[train]),
        (x[search], images.y_train[search]),
        (x_test, images.y_test),
        names,
        sides,
        len(images.classes),
    )


def patches(images: Images) -> Channels:
    """Landsat's four bands, at 3x3 and 1x1."""
    names = ("green", "red", "infrared 1", "infrared 2")
    x, x_test = (one.astype(np.float32) for one in (images.x_train, images.x_test))
    return _parts(images, x, x_test, len(x) // 4, names, (3, 1))


NAMES = (
    *("red", "green", "blue", "mean", "red - green", "blue - yellow", "edges across", "edges down", "blurred"),
    *("another image", "noise 1", "noise 2", "constant"),
)
WORTHLESS = NAMES[9:]
"""Channels that say nothing of the image."""


def thirteen(rgb: Array, seed: int) -> Array:
    """Images (n, s, s, 3) from 0 to 1 as 13 channels of known worth, (n, s, s, 13), in the order of `NAMES`."""
    random = np.random.default_rng(seed)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    mean = rgb.mean(axis=-1)
    padded = np.pad(mean, ((0, 0), (2, 2), (2, 2)), mode="edge")
    size = mean.shape[1]

    def moved(rows: int, columns: int) -> Array:
        return padded[:, 2 + rows : 2 + rows + size, 2 + columns : 2 + columns + size]

    blurred = sum(moved(i, j) for i in range(-2, 3) for j in range(-2, 3)) / 25.0
    noise = random.standard_normal((2, *mean.shape))
    channels = [
        *(red, green, blue, mean, red - green, blue - 0.5 * (red + green)),
        *(moved(0, 1) - moved(0, -1), moved(1, 0) - moved(-1, 0), blurred),
        *(mean[random.permutation(len(mean))], *noise, np.ones_like(mean)),
    ]
    return np.stack(channels, axis=-1).astype(np.float32)


def pictures(images: Images, train: int, test: int) -> Channels:
    """CIFAR-10 at 16x16 as thirteen channels, at 16, 8, 4 and 2 pixels."""

    def halved(x: Array) -> Array:
        n, side, _, c = x.shape
        return x.reshape(n, side // 2, 2, side // 2, 2, c).mean(axis=(2, 4), dtype=np.float32) / 255.0

    few = Images(
        images.name,
        images.origin,
        images.x_train[:train],
        images.y_train[:train],
        images.x_test[:test],
        images.y_test[:test],
        images.classes,
    )
    x, x_test = thirteen(halved(few.x_train), 0), thirteen(halved(few.x_test), 1)
    side = x.shape[1]
    return _parts(few, x, x_test, len(x) // 8, NAMES, (side, side // 2, side // 4, side // 8))


SETS = {
    "landsat": lambda: patches(landsat()),
    "stand-in": lambda: patches(stand_in_for_landsat()),
    "cifar10": lambda: pictures(cifar10(), 10_000, 2_000),
}
"""Every set, by the name that `--data` takes."""
