"""The embedding networks: how large, and of which layers."""

import numpy as np

from zoo.metric_learning import networks

RANDOM = np.random.default_rng(0)


def test_networks():
    model = networks.published(seed=0)
    assert model.count_params() == 94_280 and model.output_shape == (None, 8)
    colours = RANDOM.integers(0, 200, (3, 1, 1, 3))  # through untrained weights, noise alone is all alike
    frames = (colours + RANDOM.integers(0, 56, (3, 32, 32, 3))).astype(np.uint8)
    trained = networks.residual((None, None, 3), seed=1, fused=True)
    bare = networks.residual(seed=2)
    assert bare.count_params() == 608_432
    for weight in trained.weights:  # nothing at its default
        weight.assign(weight + RANDOM.normal(0, 0.01, weight.shape))
    bare.set_weights(trained.get_weights())
    embeddings = bare.predict(frames, verbose=0)
    np.testing.assert_allclose(embeddings, trained.predict(frames, verbose=0), atol=1e-6)
    for one in (embeddings, model.predict(frames, verbose=0)):
        np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
        assert np.ptp(one, axis=0).max() > 1e-3
    again = networks.published(seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
