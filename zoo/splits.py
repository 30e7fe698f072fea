"""Which images are trained on, which are held back, and which come from elsewhere; numpy only."""

from dataclasses import dataclass

import numpy as np

from zoo.datasets import IMAGES, Images

Array = np.ndarray

HELD_OUT = {"cifar10": ("automobile", "cat"), "digits": ("4", "9")}
"""Classes that no network is shown, by the name of the image set: near to some of the others, so hard to tell."""

SHARES = {"train": 0.7, "validate": 0.1, "calibrate": 0.1, "test": 0.1}
"""How the images of the other classes are divided."""


@dataclass(frozen=True)
class Part:
    """Images and their labels.

    Attributes:
        x: (n, height, width, 3), uint8.
        y: (n,), int32, from 0 without gaps.
    """

    x: Array
    y: Array


@dataclass(frozen=True)
class Splits:
    """An image set divided for calibration and for telling outliers.

    Attributes:
        name, origin: of the image set.
        train, validate, calibrate, test: images of the classes that are not held out; no image is in two parts.
        hard: images of the classes held out, (n, height, width, 3), uint8: as many as `test` has, or all there are.
        easy: images of independent uniform bytes, as many as `test` has.
        classes: the name of each label.
        held_out: the names of the classes held out.
    """

    name: str
    origin: str
    train: Part
    validate: Part
    calibrate: Part
    test: Part
    hard: Array
    easy: Array
    classes: tuple[str, ...]
    held_out: tuple[str, ...]


def split(images: Images, held_out: tuple[str, ...] | None = None, *, seed: int = 0) -> Splits:
    """Divides an image set, its training and test images pooled.

    Args:
        images: the set.
        held_out: names of the classes to leave out; None for those in `HELD_OUT`. The others are numbered anew, in
            their old order.
        seed: decides which image goes where. The same seed divides the same way on every machine.

    Returns:
        Parts of .7, .1, .1 and .1 of the images that are left, in random order, and two sets of outliers.

    Raises:
        ValueError: a class that the set does not have, or fewer than two left.
    """
    held_out = HELD_OUT[images.name] if held_out is None else tuple(held_out)
    unknown = set(held_out) - set(images.classes)
    classes = tuple(name for name in images.classes if name not in held_out)
    if unknown or len(classes) < 2:
        what = f"no class {', '.join(sorted(unknown))}" if unknown else f"only {len(classes)} classes left"
        raise ValueError(f"{images.name} has {what}; its classes are {', '.join(images.classes)}")
    x, y = np.concatenate([images.x_train, images.x_test]), np.concatenate([images.y_train, images.y_test])
    number = np.array([classes.index(name) if name in classes else -1 for name in images.classes], np.int32)
    inside, outside = (np.flatnonzero(test) for test in (number[y] >= 0, number[y] < 0))

    random = np.random.default_rng(seed)
    inside, outside = random.permutation(inside), random.permutation(outside)
    cuts = np.rint(np.cumsum(list(SHARES.values()))[:-1] * len(inside)).astype(int)
    parts = {name: Part(x[at], number[y[at]]) for name, at in zip(SHARES, np.split(inside, cuts), strict=True)}
    count = len(parts["test"].y)
    return Splits(
        name=images.name,
        origin=images.origin,
        **parts,
        hard=x[outside[:count]],
        easy=random.integers(256, size=parts["test"].x.shape, dtype=np.uint8),
        classes=classes,
        held_out=tuple(held_out),
    )


def load(data: str = "cifar10", *, seed: int = 0) -> Splits:
    """`split` of a set by the name that `--data` takes."""
    return split(IMAGES[data](), seed=seed)


def pixels(x: Array) -> Array:
    """What the networks are fed: bytes as float32 from -1 to 1, of the same shape."""
    return x.astype(np.float32) / np.float32(127.5) - np.float32(1)
