"""Who is in which split: no image twice, none of the held-out classes, the same on every call."""

import numpy as np
import pytest

from zoo.datasets import CIFAR10_CLASSES, Images, digits
from zoo.splits import HELD_OUT, Splits, load, pixels, split

PARTS = ("train", "validate", "calibrate", "test")


def numbered(count=2_000):
    """Images whose first two bytes say which image it is, and whose third says its class."""
    labels = np.random.default_rng(1).integers(10, size=count).astype(np.int32)
    x = np.zeros((count, 2, 2, 3), np.uint8)
    x[:, 0, 0, 0], x[:, 0, 0, 1], x[:, 0, 0, 2] = np.arange(count) % 256, np.arange(count) // 256, labels
    cut = count * 5 // 6
    return Images("cifar10", "made up", x[:cut], labels[:cut], x[cut:], labels[cut:], CIFAR10_CLASSES), labels


def identity(x):
    return x[:, 0, 0, 0].astype(int) + 256 * x[:, 0, 0, 1].astype(int)


def test_every_image_is_in_one_place_with_its_label():
    images, labels = numbered()
    splits = split(images)
    kept = [name for name in CIFAR10_CLASSES if name not in ("automobile", "cat")]
    assert splits.classes == tuple(kept) and splits.held_out == ("automobile", "cat")
    seen = []
    for name in PARTS:
        part = getattr(splits, name)
        assert part.x.dtype == np.uint8 and part.y.dtype == np.int32
        seen.append(identity(part.x))
        assert [kept[label] for label in part.y] == [CIFAR10_CLASSES[old] for old in part.x[:, 0, 0, 2]]
    inside = np.flatnonzero(~np.isin(labels, [1, 3]))
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), inside)  # each once, none of the held-out classes
    shares = np.array([len(part) for part in seen]) / len(inside)
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.1, 0.1], atol=1 / len(inside))
    assert any(np.any(ids >= 2_000 * 5 // 6) for ids in seen[:1]), "the training images come from both files"
    assert set(splits.hard[:, 0, 0, 2]) == {1, 3}
    assert len(splits.hard) == len(splits.easy) == len(splits.test.y)
    assert len(np.unique(identity(splits.hard))) == len(splits.hard)


def test_easy_outliers_are_uniform_bytes():
    easy = load("digits").easy
    assert easy.dtype == np.uint8 and easy.shape[1:] == (16, 16, 3)
    counts = np.bincount(easy.ravel(), minlength=256)
    expected = easy.size / 256
    assert np.sum((counts - expected) ** 2 / expected) < 400  # chi squared, 255 degrees of freedom


def test_a_seed_decides_and_only_a_seed():
    images, _ = numbered(400)
    first, again, other = split(images), split(images, seed=0), split(images, seed=1)
    for name in PARTS:
        np.testing.assert_array_equal(getattr(first, name).x, getattr(again, name).x)
        assert not np.array_equal(getattr(first, name).x, getattr(other, name).x)
    np.testing.assert_array_equal(first.easy, again.easy)
    np.testing.assert_array_equal(first.hard, again.hard)


def test_digits_without_two_of_them():
    splits = load("digits")
    assert isinstance(splits, Splits)
    assert splits.held_out == HELD_OUT["digits"] == ("4", "9")
    images = digits()
    kept = np.isin(np.concatenate([images.y_train, images.y_test]), [4, 9], invert=True).sum()
    assert sum(len(getattr(splits, name).y) for name in PARTS) == kept
    assert set(splits.train.y) == set(range(8))


def test_classes_that_do_not_exist_are_refused():
    images, _ = numbered(200)
    with pytest.raises(ValueError, match="no class dodo"):
        split(images, ("cat", "dodo"))
    with pytest.raises(ValueError, match="only 1 classes left"):
        split(images, CIFAR10_CLASSES[1:])


def test_pixels_span_minus_one_to_one():
    values = pixels(np.array([0, 51, 255], np.uint8))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, [-1.0, -0.6, 1.0], atol=1e-6)
