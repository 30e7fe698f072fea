"""Embeddings in C: the neighbours that they find are those that Keras' embeddings find."""

from dataclasses import replace

import numpy as np
import pytest

import compiler


def neighbours(embeddings, labels, k):
    from zoo.metric_learning.index import Index

    index = Index()
    index.add(embeddings, labels)
    return index.neighbours_of_each_other(k)


def differing(found, wanted, tolerance):
    """Ranks where another neighbour stands, apart from those whose distances are equal but for rounding."""
    swapped = found.numbers != wanted.numbers
    close = np.abs(found.distances - wanted.distances) <= tolerance
    return int((swapped & ~close).sum()), int(swapped.sum())


@pytest.fixture(scope="module")
def digits():
    from zoo.datasets import digits

    return digits()


def test_a_trained_network_finds_the_same_neighbours(digits, tmp_path):
    from zoo.metric_learning.evaluation import embed
    from zoo.metric_learning.experiment import train
    from zoo.metric_learning.recipe import PUBLISHED

    recipe = replace(PUBLISHED, epochs=1, batches=100)
    trained = train(digits, recipe, out=tmp_path / "trained", report=lambda line: None)
    build = compiler.compile(trained.files["embedding.keras"], "mcu", out=tmp_path / "build", mode="frame")
    frames, labels = digits.x_test[:120], digits.y_test[:120]
    ours, theirs = build.run(frames.astype(np.float32), on="host"), embed(trained.model, frames)
    assert ours.shape == theirs.shape == (120, 8)
    assert np.abs(ours - theirs).max() <= 1e-5
    found, wanted = neighbours(ours, labels, 5), neighbours(theirs, labels, 5)
    unequal, _ = differing(found, wanted, 1e-6)
    assert unequal == 0
    assert np.array_equal(found.numbers[:, 0], wanted.numbers[:, 0])
    assert (wanted.labels[:, 0] == labels).mean() > 0.8  # trained at all: a guess is right one time in ten


def test_the_residual_network_in_c(digits, tmp_path):
    """Strides, average-pooled shortcuts and batch norms, with weights that leave nothing at its default."""
    from models import randomize

    from zoo.metric_learning.evaluation import embed
    from zoo.metric_learning.networks import residual

    model = randomize(residual((16, 16, 3), 16, widths=(4, 6, 8, 8)), seed=3)
    build = compiler.compile(model, "mcu", out=tmp_path / "build", mode="frame")
    frames = digits.x_test[:60]
    ours, theirs = build.run(frames.astype(np.float32), on="host"), embed(model, frames)
    assert np.abs(ours - theirs).max() <= 1e-5
    found, wanted = (neighbours(one, digits.y_test[:60], 5) for one in (ours, theirs))
    assert differing(found, wanted, 1e-6)[0] == 0
    assert np.ptp(theirs, axis=0).max() > 0.05  # the images lie apart, so that there is something to be confused


def test_planted_differences_are_seen():
    x = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    wanted = neighbours(x, np.zeros(40), 5)
    assert differing(wanted, wanted, 1e-6) == (0, 0)
    x[7] += 0.5
    assert differing(neighbours(x, np.zeros(40), 5), wanted, 1e-6)[0] > 5
