"""Centring and whitening against numpy."""

import numpy as np
import pytest

from zoo.ensembles.embedding_transform import EmbeddingTransform
from zoo.testing import run_layer_test

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("mode", ["centred", "whitened"])
def test_embedding_transform(mode):
    # Nearly orthogonal, so that epsilon is small beside the least variance.
    mixing = np.eye(4) + RANDOM.uniform(-0.15, 0.15, size=(2, 4, 4))
    embeddings = (np.einsum("nmi,mij->nmj", RANDOM.normal(size=(500, 2, 4)), mixing) + 3).astype(np.float32)
    layer = run_layer_test(EmbeddingTransform, {"mode": mode, "epsilon": 1e-6}, embeddings)
    np.testing.assert_array_equal(layer(embeddings), embeddings)  # not adapted: changes nothing
    layer.adapt(embeddings)
    adapted = layer(embeddings).numpy()
    np.testing.assert_allclose(adapted.mean(axis=0), 0, atol=1e-4)
    for m in range(2):
        covariance = np.cov(adapted[:, m].T)
        if mode == "whitened":
            np.testing.assert_allclose(covariance, np.eye(4), atol=1e-4)
        else:
            np.testing.assert_allclose(covariance, np.cov(embeddings[:, m].T), rtol=1e-3, atol=1e-3)
    half = EmbeddingTransform.from_config({**layer.get_config(), "dtype": "float32"})
    half.adapt(embeddings[:250])
    assert not np.allclose(half(embeddings), adapted, atol=1e-3)


def test_embedding_transform_refuses_nonsense():
    with pytest.raises(ValueError, match="mode"):
        EmbeddingTransform("centered")
    with pytest.raises(ValueError, match="two embeddings"):
        EmbeddingTransform().adapt(np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="same embedding"):
        EmbeddingTransform("whitened").adapt(np.ones((5, 2, 3)))
