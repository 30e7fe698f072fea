"""ResNet-18 and its small sibling: sizes from the papers' arithmetic, names, seeds, files."""

import keras
import numpy as np
import pytest

from zoo.calibration.scaling.last_layer import inputs_of_last_dense
from zoo.fused_normalization import FusedBatchNormalization
from zoo.residual import residual, resnet18, small_residual

PLAIN = {"InputLayer", "Conv2D", "BatchNormalization", "ReLU", "Add", "GlobalAveragePooling2D", "Dense"}


def tiny(**arguments):
    return residual((4, 6), (1, 2), (8, 8, 3), 5, **arguments)


def images(count=3):
    return np.random.default_rng(0).uniform(-1, 1, (count, 8, 8, 3)).astype(np.float32)


def test_resnet18_has_the_published_size_and_shapes():
    model = resnet18()
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    convolutions = 27 * 64 + 4 * 9 * 64**2
    for a, b in ((64, 128), (128, 256), (256, 512)):
        convolutions += 9 * a * b + 3 * 9 * b * b + a * b
    normalised = 64 + 4 * 64 + 5 * (128 + 256 + 512)
    assert trainable == convolutions + 2 * normalised + 512 * 10 + 10 == 11_173_962
    assert model.get_layer("stage0_block1_relu").output.shape == (None, 32, 32, 64)  # no stride, no pooling in front
    assert model.get_layer("features").output.shape == (None, 512)
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers) == 17 + 3
    assert {type(layer).__name__ for layer in model.layers} == PLAIN


def test_the_small_one_is_made_of_plain_layers_only():
    model = small_residual(classes=8)
    assert {type(layer).__name__ for layer in model.layers} == PLAIN
    assert model.output.shape == (None, 8)
    assert model.count_params() < 500_000
    assert model.get_layer("stage2_block0_relu").output.shape[1:3] == (4, 4)


def test_a_block_adds_its_input_to_what_it_computes():
    model = tiny(seed=1)
    model.get_layer("stage1_block1_b_norm").gamma.assign(np.zeros(6))  # the block's own part is silenced
    ends = [model.get_layer(name).output for name in ("stage1_block0_relu", "stage1_block1_relu")]
    before, after = keras.Model(model.input, ends)(images())
    np.testing.assert_array_equal(before, after)
    assert np.any(np.asarray(before) > 0)


def test_features_come_from_the_same_weights_and_lead_to_the_logits():
    model = tiny(seed=3)
    held, logits = inputs_of_last_dense(model)(images()), model(images())
    assert held.shape == (3, 6) and logits.shape == (3, 5)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(np.asarray(held) @ kernel + bias, logits, atol=1e-5)
    np.testing.assert_array_equal(keras.Model(model.input, model.get_layer("features").output)(images()), held)


def test_fused_normalization_takes_the_same_weights():
    plain, fused = tiny(seed=4), tiny(seed=4, fused=True)
    assert sum(isinstance(layer, FusedBatchNormalization) for layer in fused.layers) == 8
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), fused.get_weights(), strict=True))
    x = images(20)
    for model in (plain, fused):  # in a step of training too
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(x, np.eye(5)[np.arange(20) % 5])
    for a, b in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_seed_gives_the_weights():
    first, again, other = (tiny(seed=seed).get_weights() for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True) if a.ndim > 1)
    kernels = [weight for weight in first if weight.shape == (3, 3, 6, 6)]
    assert len(kernels) == 3
    assert not np.array_equal(kernels[0], kernels[1])


def test_the_file_holds_the_network(tmp_path):
    model = tiny(seed=0)
    model.save(tmp_path / "net.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "net.keras")(images()), model(images()))


def test_half_precision_ends_in_float32_logits():
    model = tiny(seed=0, dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(model.get_layer("stem").output.dtype) == "bfloat16"
    held, logits = inputs_of_last_dense(model)(images()), model(images())
    assert held.dtype == logits.dtype == "float32"
    full = tiny(seed=0)
    full.set_weights(model.get_weights())
    np.testing.assert_allclose(logits, full(images()), atol=0.05 * np.abs(full(images())).max())


@pytest.mark.parametrize(
    ("widths", "blocks", "shape", "complaint"),
    [
        ((4, 8), (1,), (8, 8, 3), "2 widths"),
        ((), (), (8, 8, 3), "0 widths"),
        ((4, 8), (1, 0), (8, 8, 3), "every stage needs"),
        ((4, 8, 8), (1, 1, 1), (8, 10, 3), "8 x 10 images cannot be divided by 4"),
    ],
)
def test_what_makes_no_network_is_refused(widths, blocks, shape, complaint):
    with pytest.raises(ValueError, match=complaint):
        residual(widths, blocks, shape, 3)
