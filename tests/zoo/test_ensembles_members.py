"""From a stack to separate models and back."""

import keras
import numpy as np
import pytest

from zoo.ensembles.members import merge, split
from zoo.ensembles.random_ensemble import embedder

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(size=(6, 8, 8, 3)).astype(np.float32)


def small(seed=None):
    return embedder((8, 8, 3), filters=(4, 5), dimensions=6, seed=seed)


def test_split_and_merge_are_exact(tmp_path):
    models = [small(seed) for seed in range(3)]
    stack = merge(models)
    for model, back in zip(models, split(stack), strict=True):
        back.save(tmp_path / "member.keras")
        for held in (back, keras.saving.load_model(tmp_path / "member.keras")):
            for weight, other in zip(model.get_weights(), held.get_weights(), strict=True):
                np.testing.assert_array_equal(weight, other)
    again = merge(split(stack))
    for weight, other in zip(stack.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    model = keras.Sequential([keras.Input((8, 8, 3)), stack])
    model.save(tmp_path / "stack.keras")
    loaded = keras.saving.load_model(tmp_path / "stack.keras")
    np.testing.assert_array_equal(loaded(IMAGES), stack(IMAGES))


def test_merge_refuses_other_architectures():
    with pytest.raises(ValueError, match="model 1"):
        merge([small(), embedder((8, 8, 3), filters=(4, 4), dimensions=6)])
    with pytest.raises(ValueError, match="no models"):
        merge([])
    images = keras.Input((3,))
    relu, tanh = (keras.Model(images, keras.layers.Dense(2, activation=kind)(images)) for kind in ("relu", "tanh"))
    with pytest.raises(ValueError, match="model 1"):
        merge([relu, tanh])
