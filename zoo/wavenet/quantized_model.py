"""The 16-bit WaveNet, for tf_keras and QKeras."""

import os
import sys
from collections.abc import Sequence

# QKeras is written against Keras 2. It asks TensorFlow for `tf.keras`, which is Keras 3 unless this variable is set
# when TensorFlow first resolves that name; with it, `tf.keras` is tf_keras. `import keras` is not affected, so both
# live in one process. The name resolves once, so the variable must be set before anything touches `tf.keras`.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import qkeras  # noqa: E402
import tf_keras  # noqa: E402

from zoo.wavenet.waves import FIXED_POINT  # noqa: E402

KERNEL_SIZE = 4
DILATIONS = (1, 4, 16)
FILTERS = (16, 16, 4)

WORD = "quantized_bits(16, 3, alpha=1)"
POSITIVE_WORD = "quantized_relu(15, 3)"


def build_quantized(
    *,
    kernel_size: int = KERNEL_SIZE,
    dilations: Sequence[int] = DILATIONS,
    filters: Sequence[int] = FILTERS,
    inputs: int = FIXED_POINT.inputs,
    samples: int | None = None,
    name: str = "wavenet_quantized",
) -> tf_keras.Model:
    if len(dilations) != len(filters) or not filters:
        raise ValueError(f"{len(dilations)} dilations and {len(filters)} filters: each convolution needs one of both")

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
            kernel_initializer="he_uniform",
            name=f"causal_{index}",
        )(x)
        if index < len(filters) - 1:
            x = qkeras.QActivation(POSITIVE_WORD, name=f"relu_{index}")(x)
    x = qkeras.QActivation(WORD, name="quantize_output")(x)
    return tf_keras.Model(waves, x, name=name)
