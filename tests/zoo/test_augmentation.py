"""What is drawn of training images."""

import numpy as np
import pytest

from zoo.augmentation import RandomCrop

RANDOM = np.random.default_rng(0)


def test_crops_are_places_of_the_image_or_of_its_mirror():
    images = RANDOM.integers(0, 256, (40, 6, 6, 1)).astype(np.uint8)
    crop = RandomCrop(4, padding=1)
    x, y = crop(np.random.default_rng(0), images, np.arange(40))
    assert x.shape == (40, 4, 4, 1) and x.dtype == np.uint8 and np.array_equal(y, np.arange(40))
    places, mirrored = set(), 0
    for image, cut in zip(images, x, strict=True):
        padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")
        found = [
            (top, left, way)
            for top in range(5)
            for left in range(5)
            for way in (1, -1)
            if np.array_equal(padded[top : top + 4, left : left + 4][:, ::way], cut)
        ]
        assert found
        places.add(found[0][:2])
        mirrored += found[0][2] == -1
    assert len(places) > 12 and 10 <= mirrored <= 30
    plain, _ = RandomCrop(6, padding=0, flip=False)(np.random.default_rng(0), images, np.arange(40))
    assert np.array_equal(plain, images)
    with pytest.raises(ValueError, match="no square of 9 pixels"):
        RandomCrop(9, padding=1)(np.random.default_rng(0), images, np.arange(40))
