"""Batches of as many images of every class: by turns, and functions of seed, epoch and index alone."""

import keras
import numpy as np
import pytest

from zoo.metric_learning.embedding_model import EmbeddingModel
from zoo.metric_learning.losses.supcon import SupCon
from zoo.metric_learning.m_per_class import MPerClass

RANDOM = np.random.default_rng(0)
LABELS = np.tile(np.arange(3), 4)
X = (RANDOM.normal(size=(12, 5)) + 2 * np.eye(3, 5)[LABELS]).astype(np.float32)


def build():
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(6, activation="tanh")(inputs)
    return EmbeddingModel(inputs, keras.layers.Dense(4)(hidden))


def batches_of(sampler, epochs=2):
    collected = []
    for epoch in range(epochs):
        sampler.epoch = epoch
        collected.append([tuple(map(np.copy, sampler[index])) for index in range(len(sampler))])
    return collected


def test_sampler_gives_m_of_each_class_by_turns():
    labels = np.array([0] * 7 + [4] * 6 + [9] * 9)
    images = np.arange(22.0)[:, None]
    sampler = MPerClass(images, labels, m=3, seed=2)
    assert len(sampler) == 2
    for epoch in batches_of(sampler):
        for x, y in epoch:
            assert y.tolist() == [0, 0, 0, 4, 4, 4, 9, 9, 9]
            assert np.array_equal(labels[x[:, 0].astype(int)], y)
            assert len(set(x[:, 0])) == 9
        assert len({value for x, _ in epoch for value in x[:, 0]}) == 18  # no image twice in these two batches


def test_sampler_s_batches_follow_from_seed_epoch_and_index_alone():
    labels = RANDOM.integers(0, 5, 60)
    images = np.arange(60.0)[:, None]

    def noise(random, x, y):
        return x + random.random(x.shape) / 2, y

    def make(seed):
        return MPerClass(images, labels, m=2, classes_per_batch=3, batches=12, as_pairs=True, seed=seed, augment=noise)

    forward, backward = make(1), make(1)
    wanted = batches_of(forward)
    assert wanted[0][0][0].shape == (3, 2, 1) and wanted[0][0][1].shape == (3,)
    for epoch in (1, 0):  # another order of asking, on another object
        backward.epoch = epoch
        for index in reversed(range(12)):
            for ours, theirs in zip(backward[index], wanted[epoch][index], strict=True):
                np.testing.assert_array_equal(ours, theirs)
    for other in (batches_of(make(2))[0], wanted[1]):
        assert not all(np.array_equal(a[0], b[0]) for a, b in zip(wanted[0], other, strict=True))
    for epoch in wanted:
        for x, y in epoch:
            rows = x.astype(int)[..., 0]
            assert (labels[rows] == y[:, None]).all() and (rows[:, 0] != rows[:, 1]).all() and len(set(y)) == 3


def test_sampler_in_fit_brings_a_new_epoch_each_time():
    seen = []

    class Recorded(MPerClass):
        def __getitem__(self, index):
            seen.append((self.epoch, index))
            return super().__getitem__(index)

    model = build()
    model.compile("sgd", SupCon())
    model.fit(Recorded(X, LABELS, m=2, batches=2), epochs=3, shuffle=False, verbose=0)
    # Before the first epoch Keras may go through the data once without training, which counts as an epoch.
    trained = seen[-6:]
    first = trained[0][0]
    assert trained == [(first + epoch, index) for epoch in range(3) for index in range(2)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"m": 5}, "cannot hold 5 images of a class that has 4"),
        ({"classes_per_batch": 4}, "cannot hold 4 of 3 classes"),
        ({"m": 3, "as_pairs": True}, "a pair has two images, not 3"),
    ],
)
def test_sampler_refuses_what_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        MPerClass(X, LABELS, **arguments)
    with pytest.raises(ValueError, match="12 images and 11 labels"):
        MPerClass(X, LABELS[:-1])
