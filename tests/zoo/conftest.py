"""What the tests of the zoo share."""

from zlib import crc32

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def own_random_numbers(request, monkeypatch):
    """The same numbers for a test whichever others its process ran before it, so that a failure can be repeated.

    Keras, TensorFlow and numpy are seeded from the test's own name, and so is `RANDOM`, where its file has one.
    """
    seed = crc32(request.node.nodeid.encode())
    keras.utils.set_random_seed(seed)
    if hasattr(request.module, "RANDOM"):
        monkeypatch.setattr(request.module, "RANDOM", np.random.default_rng(seed))
