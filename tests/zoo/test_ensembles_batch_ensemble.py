"""Members that share a kernel, against independent numpy and through the tests that every layer must pass."""

import numpy as np
import pytest

from zoo.ensembles.batch_ensemble import BatchEnsembleConv2D, BatchEnsembleDense
from zoo.testing import run_layer_test

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 4)])
def test_batch_ensemble_dense(shape):
    inputs = RANDOM.normal(size=shape).astype(np.float32)
    layer = run_layer_test(BatchEnsembleDense, {"units": 2, "members": 3}, inputs, output_shape=(5, 3, 2))
    layer.bias.assign(RANDOM.normal(size=(3, 2)))
    kernel, r, s, bias = layer.get_weights()
    assert not np.array_equal(r[:, :2], s)
    output = layer(inputs).numpy()
    for m in range(3):
        x = inputs if len(shape) == 2 else inputs[:, m]
        np.testing.assert_allclose(output[:, m], x @ (kernel * np.outer(r[m], s[m])) + bias[m], atol=1e-5)
        np.testing.assert_allclose(output[:, m], layer.member(m)(x), atol=1e-5)


@pytest.mark.parametrize(("shape", "padding"), [((2, 6, 5, 2), "valid"), ((2, 3, 6, 5, 2), "same")])
def test_batch_ensemble_conv2d(shape, padding):
    inputs = RANDOM.normal(size=shape).astype(np.float32)
    arguments = {"filters": 4, "kernel_size": 3, "members": 3, "strides": 2, "padding": padding}
    layer = run_layer_test(BatchEnsembleConv2D, arguments, inputs)
    layer.bias.assign(RANDOM.normal(size=(3, 4)))
    kernel, r, s, bias = layer.get_weights()
    output = layer(inputs).numpy()
    for m in range(3):
        x = inputs if len(shape) == 4 else inputs[:, m]
        np.testing.assert_allclose(output[:, m], layer.member(m)(x), atol=1e-5)
        if padding == "valid":
            own = np.einsum("ijco,c,o->ijco", kernel, r[m], s[m])
            windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))[:, ::2, ::2]
            np.testing.assert_allclose(output[:, m], np.einsum("bhwcij,ijco->bhwo", windows, own) + bias[m], atol=1e-5)


def test_batch_ensembles_refuse_other_numbers_of_members():
    with pytest.raises(ValueError, match="batch, 3, channels"):
        BatchEnsembleDense(2, 3).build((None, 4, 5))
    with pytest.raises(ValueError, match="batch, 3, h, w, c"):
        BatchEnsembleConv2D(2, 3, 3).build((None, 4, 8, 8, 5))
