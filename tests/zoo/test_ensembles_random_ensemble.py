"""Random ensembles: parameters, similarities, the published test's arithmetic, and weak labels."""

import keras
import numpy as np
import pytest

from zoo.datasets import digits
from zoo.ensembles.published_test import (
    TRANSFORMS,
    Examples,
    accuracies,
    drawn_examples,
    pixel_accuracy,
    table,
    unit,
)
from zoo.ensembles.random_ensemble import adapt, embedder, filters_for, plain_embedder, random_ensemble
from zoo.ensembles.recipe import WeakRecipe
from zoo.ensembles.similarity import by_member, positive_first, summed, to_anchor
from zoo.ensembles.weak_labels import compare, nearest, recall_at_1

RANDOM = np.random.default_rng(0)


def test_a_member_has_the_published_number_of_parameters():
    assert embedder().count_params() == 397_696
    with pytest.raises(ValueError, match="31 x 31"):
        embedder((16, 16, 3))


def test_similarities_are_products_of_single_embeddings():
    q, c = unit(RANDOM.normal(size=(4, 3, 5))), unit(RANDOM.normal(size=(6, 3, 5)))
    expected = np.array([[[q[i, m] @ c[j, m] for j in range(6)] for i in range(4)] for m in range(3)])
    np.testing.assert_allclose(by_member(q, c), expected, atol=1e-6)
    np.testing.assert_allclose(summed(q, c), expected.sum(0), atol=1e-5)
    examples = RANDOM.normal(size=(2, 4, 3, 5))
    wanted = [[[examples[n, 0, m] @ examples[n, k, m] for k in (1, 2, 3)] for m in range(3)] for n in range(2)]
    np.testing.assert_allclose(to_anchor(examples), wanted, atol=1e-5)


def test_the_positive_must_beat_every_negative():
    similar = np.array([[0.9, 0.1, 0.2], [0.5, 0.5, 0.1], [0.1, 0.0, 0.2]])
    assert positive_first(similar).tolist() == [True, False, False]
    assert positive_first(similar[:, None]).shape == (3, 1)


def test_every_member_has_unit_length_and_the_transform_is_saved(tmp_path):
    images = digits().x_train[:40].astype(np.float32) / 255
    model = random_ensemble(3, transform="whitened", seed=1, input_shape=(16, 16, 3), filters=(4, 8), dimensions=6)
    untouched = model.predict(images, verbose=0)
    adapt(model, images)
    embeddings = model.predict(images, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=-1), 1, atol=1e-5)
    assert not np.allclose(untouched, embeddings, atol=1e-2)
    members = model.get_layer("members")(images).numpy()
    raw = plain_embedder(model).predict(images, verbose=0)
    np.testing.assert_allclose(raw, unit(members), atol=1e-5)
    np.testing.assert_allclose(embeddings, unit(model.get_layer("transform")(raw)), atol=1e-5)
    np.testing.assert_allclose(model.get_layer("transform").mean, raw.mean(axis=0), atol=1e-5)
    model.save(tmp_path / "ensemble.keras")
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), embeddings, atol=1e-6)
    plain = random_ensemble(3, seed=1, input_shape=(16, 16, 3), filters=(4, 8), dimensions=6)
    np.testing.assert_allclose(plain.predict(images, verbose=0), raw, atol=1e-5)
    with pytest.raises(ValueError, match="without a transform"):
        adapt(plain, images)


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


def test_filters_fit_the_images():
    assert [len(filters_for((side, 40, 3))) for side in (32, 31, 30, 16, 3)] == [4, 4, 3, 3, 1]
    with pytest.raises(ValueError, match="too small"):
        filters_for((2, 9, 3))


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
