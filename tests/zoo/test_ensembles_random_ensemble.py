"""Random ensembles: parameters, similarities, the published test's arithmetic, and weak labels."""

import keras
import numpy as np
import pytest

from zoo.datasets import digits
from zoo.ensembles.published_test import unit
from zoo.ensembles.random_ensemble import adapt, embedder, filters_for, plain_embedder, random_ensemble


def test_a_member_has_the_published_number_of_parameters():
    assert embedder().count_params() == 397_696
    with pytest.raises(ValueError, match="31 x 31"):
        embedder((16, 16, 3))


def test_every_member_has_unit_length_and_the_transform_is_saved(tmp_path):
    images = digits().x_train[:40].astype(np.float32) / 255
    model = random_ensemble(3, transform="whitened", seed=1, input_shape=(16, 16, 3), filters=(4, 8), dimensions=6)
    untouched = model.predict(images, verbose=0)
    adapt(model, images)
    embeddings = model.predict(images, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=-1), 1, atol=1e-5)
    # They must differ, by more than a hundredth: a larger tolerance would ask for more.
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


def test_filters_fit_the_images():
    assert [len(filters_for((side, 40, 3))) for side in (32, 31, 30, 16, 3)] == [4, 4, 3, 3, 1]
    with pytest.raises(ValueError, match="too small"):
        filters_for((2, 9, 3))
