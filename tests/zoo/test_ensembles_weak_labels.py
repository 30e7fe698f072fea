"""What an untrained ensemble thinks alike, and what is learnt from it."""

import numpy as np

from zoo.datasets import digits
from zoo.ensembles.published_test import (
    drawn_examples,
    unit,
)
from zoo.ensembles.recipe import WeakRecipe
from zoo.ensembles.similarity import summed
from zoo.ensembles.weak_labels import compare, nearest, recall_at_1

RANDOM = np.random.default_rng(0)


def test_nearest_is_brute_force_and_never_oneself():
    embeddings = unit(RANDOM.normal(size=(30, 3, 5)))
    similar = np.asarray(summed(embeddings, embeddings)).copy()
    np.fill_diagonal(similar, -np.inf)
    np.testing.assert_array_equal(nearest(embeddings), similar.argmax(axis=1))
    labels = RANDOM.integers(3, size=30)
    assert recall_at_1(embeddings, labels) == np.mean([labels[similar[i].argmax()] == labels[i] for i in range(30)])


def test_weak_labels_teach_more_than_random_pairs():
    data = digits()
    lines = []
    recipe = WeakRecipe(members=3, unlabelled=400, epochs=4, batch_size=64, dimensions=16)
    comparison = compare(data, drawn_examples(data, examples=60), recipe=recipe, tested=200, report=lines.append)
    scores = comparison.scores
    assert comparison.right > 0.5 and "400 pseudo pairs" in lines[0] and len(lines) == 9
    learnt, control = scores["learnt from weak labels"], scores["learnt from random pairs"]
    assert learnt[0] > control[0] + 0.1
    assert learnt[1] > 0.4
    assert all(0 <= value <= 1 for pair in scores.values() for value in pair)
