"""The layers of ensembles against independent numpy, and through the tests that every layer must pass."""

import keras
import numpy as np
import pytest

from zoo.ensembles.grouped import grouped
from zoo.ensembles.members import split
from zoo.ensembles.random_ensemble import embedder
from zoo.ensembles.stacked import Stacked
from zoo.testing import run_layer_test

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(size=(6, 8, 8, 3)).astype(np.float32)


def small(seed=None):
    return embedder((8, 8, 3), filters=(4, 5), dimensions=6, seed=seed)


def numpy_member(x, weights, strides=2):
    """Convolutions and dense layers of an embedder in float64."""
    x = x.astype(np.float64)
    *convolutions, hidden, hidden_bias, embedding, embedding_bias = weights
    for kernel, bias in zip(convolutions[::2], convolutions[1::2], strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))[:, ::strides, ::strides]
        x = np.maximum(np.einsum("bhwcij,ijco->bhwo", windows, kernel.astype(np.float64)) + bias, 0)
    x = np.maximum(x.reshape(len(x), -1) @ hidden + hidden_bias, 0)
    return x @ embedding + embedding_bias


def test_stacked_passes_the_shared_tests():
    class_arguments = {"member": small(), "members": 3, "seed": 5}
    layer = run_layer_test(Stacked, class_arguments, IMAGES, output_shape=(6, 3, 6), mixed_precision=False)
    assert not any(v.path.startswith("conv") for v in layer.variables), "the template's weights are tracked"
    assert all(v.shape[0] == 3 for v in layer.trainable_variables)


def test_stack_equals_separate_members_and_numpy():
    stack = Stacked(small(), 3, seed=2)
    for together in (stack(IMAGES), grouped_output(stack)):
        for index, member in enumerate(split(stack)):
            np.testing.assert_allclose(together[:, index], member(IMAGES), atol=1e-5)
            np.testing.assert_allclose(together[:, index], numpy_member(IMAGES, member.get_weights()), atol=1e-5)
    # Two members must differ, by more than a hundredth: a larger tolerance would ask for more.
    assert not np.allclose(stack(IMAGES)[:, 0], stack(IMAGES)[:, 1], atol=1e-2)
    np.testing.assert_allclose(stack.call_member(2, IMAGES), stack(IMAGES)[:, 2], atol=1e-6)


def grouped_output(stack):
    return grouped(stack).predict(IMAGES, verbose=0)


def test_grouped_refuses_what_it_cannot_express():
    images = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Conv2D(4, 3)(images))
    stack = Stacked(keras.Model(images, pooled), 2)
    stack.build((None, 8, 8, 3))
    with pytest.raises(ValueError, match="pool"):
        grouped(stack)
    flat = keras.layers.Flatten()(images)
    stack = Stacked(keras.Model(images, flat, name="flattener"), 2)
    stack.build((None, 8, 8, 3))
    with pytest.raises(ValueError, match="flattener"):
        grouped(stack)


def test_each_member_is_orthogonal_by_itself():
    stack = Stacked(embedder((15, 15, 3), seed=0, filters=(8, 16, 32)), 4, seed=0)
    stack.build((None, 15, 15, 3))
    kernels = stack.stacked[2].numpy().reshape(4, -1, 16)  # the second convolution: (M, 9 * 8, 16)
    for kernel in kernels:
        np.testing.assert_allclose(kernel.T @ kernel, np.eye(16), atol=1e-5)
    side_by_side = np.moveaxis(kernels, 0, 1).reshape(72, 64)
    assert np.abs(side_by_side.T @ side_by_side - np.eye(64)).max() > 0.1, "slices of one big orthogonal matrix"


def test_seeds_decide_the_weights():
    first, same, other = (Stacked(small(), 2, seed=seed) for seed in (1, 1, 2))
    for one in (first, same, other):
        one.build((None, 8, 8, 3))
    for a, b, c in zip(first.get_weights(), same.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not a.any() or not np.array_equal(a, c)  # biases are 0 in all
    unseeded = Stacked(small(seed=7), 2)
    unseeded.build((None, 8, 8, 3))
    assert not np.array_equal(*unseeded.get_weights()[0]), "the template's seed makes twins"


def test_state_of_members_is_kept_apart():
    x = RANDOM.normal(3.0, 2.0, (64, 4)).astype(np.float32)
    values = keras.Input((4,))
    hidden = keras.layers.Dense(3)(values)
    member = keras.Model(values, keras.layers.BatchNormalization(momentum=0.0)(hidden))
    stack = Stacked(member, 2, seed=0)
    stack(x, training=False)
    before = [v.numpy().copy() for v in stack.stacked_state]
    stack(x, training=False)
    np.testing.assert_array_equal(before[0], stack.stacked_state[0])
    output = stack.call_member(1, x, training=True).numpy()
    np.testing.assert_allclose(output.mean(0), 0, atol=1e-4)
    for index, one in enumerate(split(stack)):
        mean = one.layers[-1].moving_mean.numpy()
        expected = (one.layers[1](x).numpy().mean(0)) if index == 1 else np.zeros(3)
        np.testing.assert_allclose(mean, expected, atol=1e-4)
    stack(x, training=True)
    for one in split(stack):
        np.testing.assert_allclose(one.layers[-1].moving_mean, one.layers[1](x).numpy().mean(0), atol=1e-4)
