"""The 16-bit WaveNet, for tf_keras and QKeras."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.seeds import initial_seeds
from zoo.wavenet.quantized.legacy_keras import qkeras, tf_keras
from zoo.wavenet.waves import FIXED_POINT

KERNEL_SIZE = 4
DILATIONS = (1, 4, 16)
FILTERS = (16, 16, 4)

# QKeras does not count the sign among the integer bits: 1 sign, 3 integer, 12 fraction. Without alpha=1 a kernel's
# quantizer scales each output channel by a power of two of its own, off the grid of the other channels.
WORD = "quantized_bits(16, 3, alpha=1)"
"""Signed 16 bits, 12 of them fraction: -8 to 8 - 2**-12."""

# 15 bits, because there is no sign to store: 3 integer and 12 fraction bits, 0 to 8 - 2**-12.
POSITIVE_WORD = "quantized_relu(15, 3)"
"""Relu into the same words."""


def build_quantized(
    *,
    kernel_size: int = KERNEL_SIZE,
    dilations: Sequence[int] = DILATIONS,
    filters: Sequence[int] = FILTERS,
    inputs: int = FIXED_POINT.inputs,
    samples: int | None = None,
    l2: float = 0.0,
    seed: int | None = None,
    name: str = "wavenet_quantized",
) -> tf_keras.Model:
    """A stack of dilated causal convolutions in 16-bit fixed point.

    Kernels, biases, the input, what follows every relu and the output are all rounded to a signed 16-bit word with 12
    fraction bits; only sums inside a convolution are wider. By default three convolutions of 16, 16 and 4 channels,
    1,572 parameters, receptive field 64. Of the output's channels the first is the wave; the FPGA computes four at a
    time, and nothing is ever asked of the other three.

    Args:
        kernel_size: taps of every convolution.
        dilations: distance between the taps, one for each convolution.
        filters: output channels, one for each convolution; relu follows all but the last.
        inputs: channels of the input.
        samples: length of the input; None for any.
        l2: L2 penalty on every kernel.
        seed: seeds the initial weights; None takes them from tf_keras' global seed.
        name: name of the model.

    Returns:
        A functional tf_keras model from (batch, samples, inputs) to (batch, samples, filters[-1]), not compiled. Its
        quantizers are always on: `predict` gives what the quantized network gives, in floating point.

    Reference:
        Mat Kelcey, "wavenet on an FPGA", for the sizes and the number format.
    """
    if len(dilations) != len(filters) or not filters:
        raise ValueError(f"{len(dilations)} dilations and {len(filters)} filters: each convolution needs one of both")
    seeds = initial_seeds(seed, len(filters))

    # Quantizers are given as text: as objects they cannot be read back from a .keras file.
    waves = tf_keras.Input((samples, inputs), name="core_and_embedding")
    x = qkeras.QActivation(WORD, name="quantize_input")(waves)
    for index, (width, dilation) in enumerate(zip(filters, dilations, strict=True)):
        x = qkeras.QConv1D(
            width,
            kernel_size,
            dilation_rate=dilation,
            padding="causal",
            kernel_quantizer=WORD,
            bias_quantizer=WORD,
            kernel_initializer=tf_keras.initializers.HeUniform(seed=seeds[index]),
            kernel_regularizer=tf_keras.regularizers.L2(l2) if l2 else None,
            name=f"causal_{index}",
        )(x)
        if index < len(filters) - 1:
            x = qkeras.QActivation(POSITIVE_WORD, name=f"relu_{index}")(x)
    return tf_keras.Model(waves, qkeras.QActivation(WORD, name="quantize_output")(x), name=name)


def discourage_saturation(model: tf_keras.Model, *, limit: float = 6.0) -> None:
    """Adds to the loss the mean square of what exceeds `limit` on its way into a word, which ends at 8.

    A word that saturates passes no gradient, so it has to be kept from getting there; and what training never saw may
    be larger than what it saw, so there has to be some room.

    Args:
        model: a network of `build_quantized`, for training only: what is added here has no place in a file.
        limit: magnitude from which on values cost something; after relu only positive ones count.
    """
    for layer in _quantizers(model):
        value = layer.input if layer.activation == POSITIVE_WORD else tf.abs(layer.input)
        model.add_loss(tf.reduce_mean(tf.reduce_sum(tf.square(tf.nn.relu(value - limit)), axis=-1)))


def peaks(model: tf_keras.Model, inputs: np.ndarray) -> dict[str, float]:
    """The largest value that each quantizer after a convolution has to round; what relu throws away does not count.

    At 8 and above words saturate: the network still computes, but not what it was trained to.

    Args:
        model: a network of `build_quantized`.
        inputs: waves, (batch, samples, inputs).

    Returns:
        For each of those quantizers, by its layer's name, the value of largest magnitude, or after relu the largest.
    """
    layers = _quantizers(model)
    values = tf_keras.Model(model.input, [layer.input for layer in layers]).predict(inputs, verbose=0)
    return {
        layer.name: float((value if layer.activation == POSITIVE_WORD else np.abs(value)).max())
        for layer, value in zip(layers, values, strict=True)
    }


def _quantizers(model: tf_keras.Model) -> list[qkeras.QActivation]:
    """The quantizers that follow a convolution; the first quantizer of a network rounds its input."""
    return [layer for layer in model.layers if isinstance(layer, qkeras.QActivation)][1:]
