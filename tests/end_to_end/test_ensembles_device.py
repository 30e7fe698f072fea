"""An untrained ensemble in C: every member's embedding as Keras has it."""

import numpy as np
import pytest

import compiler
from compiler.verification import TIMES_FLOAT32, TOLERANCE, error


@pytest.mark.parametrize("transform", ["centred", "whitened"])
def test_a_random_ensemble_in_c_equals_keras(transform, tmp_path):
    from zoo.ensembles.device import device_ensemble
    from zoo.ensembles.random_ensemble import adapt, random_ensemble

    # Of coarse patches: fine noise is all alike behind untrained filters, and whitening would find little but rounding.
    patches = np.random.default_rng(0).uniform(size=(40, 5, 5, 3)).astype(np.float32)
    images = patches.repeat(3, axis=1).repeat(3, axis=2)
    model = random_ensemble(3, transform=transform, seed=1, input_shape=(15, 15, 3), filters=(4, 6), dimensions=5)
    adapt(model, images)
    wanted = model.predict(images[:4], verbose=0)
    device = device_ensemble(model)
    build = compiler.compile(device, target="mcu", out=tmp_path / "ensemble")
    embeddings = build.run(images[:4], on="host")
    # Whitening makes much of small differences, so that Keras itself is off by more than elsewhere.
    allowed = max(TOLERANCE, TIMES_FLOAT32 * error(wanted, build.run(images[:4])))
    assert allowed < 1e-4
    assert error(device.predict(images[:4], verbose=0), wanted) <= allowed
    assert error(embeddings, wanted) <= allowed
    assert not np.allclose(embeddings[:, 0], embeddings[:, 1], atol=0.1)  # the members are not one and the same
