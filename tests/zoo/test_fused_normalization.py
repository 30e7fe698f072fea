"""Batch normalisation in one pass is Keras' own."""

import keras
import numpy as np
from keras import ops

from zoo.fused_normalization import FusedBatchNormalization
from zoo.testing import run_layer_test

RANDOM = np.random.default_rng(0)


def numpy(variable):
    return ops.convert_to_numpy(variable).copy()


def test_fused_normalization_is_keras_normalization():
    """One training step: outputs, gradients and moving statistics; and in inference."""
    import tensorflow as tf

    x = RANDOM.normal(2, 3, (4, 6, 5, 3)).astype(np.float32)
    weights = RANDOM.normal(size=x.shape).astype(np.float32)
    results = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(momentum=0.9)
        layer.build(x.shape)
        layer.set_weights(np.array([[0.5, 1, 2], [0.1, 0, -1], [0, 1, 0], [1, 2, 1]]))
        with tf.GradientTape() as tape:
            y = layer(x, training=True)
            total = tf.reduce_sum(y * weights)
        gradients = tape.gradient(total, layer.trainable_variables)
        results.append([y, layer(x), *gradients, *map(numpy, layer.variables)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=2e-5)
    run_layer_test(FusedBatchNormalization, {"momentum": 0.9}, x, mixed_precision=False)
