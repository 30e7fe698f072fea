"""The published test: its examples, its arithmetic and its table."""

import numpy as np

from zoo.datasets import digits
from zoo.ensembles.published_test import (
    TRANSFORMS,
    Examples,
    accuracies,
    drawn_examples,
    pixel_accuracy,
    table,
)

RANDOM = np.random.default_rng(0)


def test_drawn_examples_have_a_positive_and_one_negative_of_each_other_class():
    data = digits()
    examples = drawn_examples(data, examples=20, seed=3)
    assert examples.images.shape == (20, 11, 16, 16, 3)
    assert examples.images.min() == 0 and examples.images.max() == 1
    labels = {image.tobytes(): label for image, label in zip(data.x_test, data.y_test, strict=True)}
    for number, row in enumerate(np.rint(examples.images * 255).astype(np.uint8)):
        own, positive, *negatives = (labels[image.tobytes()] for image in row)
        assert own == positive == number % 10
        assert sorted(negatives) == [label for label in range(10) if label != own]
        assert row[0].tobytes() != row[1].tobytes()


def test_accuracies_tell_classes_from_noise():
    examples = drawn_examples(digits(), examples=40)
    found = accuracies(examples, ensembles=2, sizes=(1, 4), seed=4)
    assert set(found) == set(TRANSFORMS)
    assert all(values.shape == (2, 2) for values in found.values())
    assert found["centred"][:, 1].mean() > 0.5  # chance is .1
    noise = Examples("noise", RANDOM.uniform(size=(40, 11, 16, 16, 3)).astype(np.float32))
    assert accuracies(noise, ensembles=1, sizes=(2,))["centred"].max() < 0.3
    assert pixel_accuracy(examples) > 0.5
    assert pixel_accuracy(noise) < 0.3
    # The second ensemble has the next seed, and a smaller ensemble is the first members of a larger one.
    again = accuracies(examples, ensembles=1, sizes=(1,), seed=5)
    np.testing.assert_array_equal(again["unit length"][0, 0], found["unit length"][1, 0])


def test_the_table_has_means_and_deviations():
    text = table({"centred": np.array([[0.4, 0.5], [0.6, 0.5]])}, (1, 10), published=True)
    assert "0.500 +- 0.141  0.500 +- 0.000" in text
    assert text.splitlines()[-1].split() == ["published", "0.273", "0.400"]
