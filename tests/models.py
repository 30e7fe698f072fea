"""Keras models for the tests, with weights that leave nothing at its default."""

import numpy as np


def randomize(model, seed=0):
    """Gives every weight a random value, variances positive, so that no layer is an identity by accident."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        new = []
        for variable, old in zip(layer.weights, layer.get_weights(), strict=True):
            shape = tuple(variable.shape)
            if np.asarray(old).dtype.kind != "f":  # a count, not a weight
                new.append(old)
                continue
            scale = 1 / np.sqrt(max(1, np.prod(shape[:-1]))) if len(shape) > 1 else 0.3
            value = rng.normal(0, scale, shape)
            if any(word in variable.name for word in ("variance", "gamma", "scale")):
                value = rng.uniform(0.3, 2.0, shape)
            new.append(value.astype(np.float32))
        layer.set_weights(new)
        if hasattr(layer, "finalize_state"):  # a Normalization computes from its weights ahead of time
            layer.finalize_state()
    return model


def conv_net(taps=4, dilation=1, norm="none", activation="relu", channels=3, filters=5):
    """A dilated causal convolution with batch normalisation before it, after it, on both sides or nowhere."""
    import keras

    x = inputs = keras.Input((None, channels), name="audio")
    if norm in ("before", "both"):
        x = keras.layers.BatchNormalization(name="norm_before")(x)
    x = keras.layers.Conv1D(filters, taps, padding="causal", dilation_rate=dilation, name="conv")(x)
    if norm in ("after", "both"):
        x = keras.layers.BatchNormalization(name="norm_after")(x)
    x = keras.layers.Activation(activation, name="act")(x)
    x = keras.layers.Dense(2, name="mix")(x)
    return randomize(keras.Model(inputs, x, name="conv_net"), seed=taps * 100 + dilation)


def wavenet_like():
    """Every layer that this version reads, in one float model."""
    import keras

    layers = keras.layers
    x = inputs = keras.Input((None, 3), name="audio")
    x = layers.Conv1D(4, 4, padding="causal", activation="relu", name="conv_0")(x)
    x = layers.Dense(4, activation="relu", name="mix_0")(x)
    x = layers.BatchNormalization(name="norm_0")(x)
    x = layers.Conv1D(5, 3, padding="causal", dilation_rate=4, use_bias=False, name="conv_1")(x)
    x = layers.BatchNormalization(scale=False, name="norm_1")(x)
    x = layers.ReLU(name="relu_1")(x)
    x = layers.Dropout(0.2, name="drop")(x)
    x = layers.Conv1D(4, 2, padding="causal", dilation_rate=7, activation="tanh", name="conv_2")(x)
    x = layers.Activation("sigmoid", name="gate")(x)
    x = layers.Dense(2, name="out")(x)
    return randomize(keras.Model(inputs, x, name="wavenet_like"))


def quantized_net(bias_quantizer=True, activation_in_layer=False):
    """A QKeras net on a 16-bit grid with 12 fraction bits."""
    import tf_keras
    from qkeras import QActivation, QConv1D, QDense, quantized_bits, quantized_relu

    grid = {"kernel_quantizer": quantized_bits(16, 3, alpha=1)}
    if bias_quantizer:
        grid["bias_quantizer"] = quantized_bits(16, 3, alpha=1)
    x = inputs = tf_keras.Input((None, 3), name="audio")
    x = QActivation("quantized_bits(16, 3, alpha=1)", name="grid_in")(x)
    inner = quantized_relu(15, 3) if activation_in_layer else None
    x = QConv1D(8, 4, padding="causal", dilation_rate=3, name="conv_0", activation=inner, **grid)(x)
    if not activation_in_layer:
        x = QActivation(quantized_relu(15, 3), name="relu_0")(x)
    x = QDense(4, name="mix_0", **grid)(x)
    x = QActivation("quantized_relu(15,3)", name="relu_1")(x)
    x = QConv1D(2, 3, padding="causal", dilation_rate=5, name="conv_1", **grid)(x)
    x = QActivation(quantized_bits(16, 3, alpha=1), name="grid_out")(x)
    return randomize(tf_keras.Model(inputs, x, name="quantized_net"))
