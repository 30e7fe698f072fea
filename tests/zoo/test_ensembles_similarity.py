"""How alike embeddings are."""

import numpy as np

from zoo.ensembles.published_test import unit
from zoo.ensembles.similarity import by_member, positive_first, summed, to_anchor

RANDOM = np.random.default_rng(0)


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
