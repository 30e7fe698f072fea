"""The float WaveNet, for Keras 3."""

from collections.abc import Sequence

import keras

from zoo.seeds import initial_seeds
from zoo.wavenet.waves import FLOAT

KERNEL_SIZE = 4
DILATIONS = (1, 4, 16, 64)
FILTERS = (4, 4, 4, 8)


def build(
    *,
    kernel_size: int = KERNEL_SIZE,
    dilations: Sequence[int] = DILATIONS,
    filters: Sequence[int] = FILTERS,
    inputs: int = FLOAT.inputs,
    outputs: int = FLOAT.outputs,
    pointwise: bool = True,
    samples: int | None = None,
    l2: float = 0.0,
    seed: int | None = None,
    name: str = "wavenet",
) -> keras.Model:
    """A stack of dilated causal convolutions.

    With `pointwise`, the default, each block is a causal convolution, relu, a 1x1 convolution, relu, and a linear 1x1
    convolution makes the outputs: the network for a microcontroller, 465 parameters, receptive field 256. Without,
    the convolutions stand alone, relu after all but the last, whose filters are the outputs. The FPGA's network, with
    1,572 parameters and a receptive field of 64, is

        build(dilations=(1, 4, 16), filters=(16, 16, 4), inputs=4, pointwise=False)

    Args:
        kernel_size: taps of every causal convolution.
        dilations: distance between the taps, one for each convolution.
        filters: output channels, one for each convolution.
        inputs: channels of the input.
        outputs: channels of the linear 1x1 convolution at the end; without `pointwise`, the last of `filters` counts.
        pointwise: whether 1x1 convolutions mix the channels after each causal one.
        samples: length of the input; None for any.
        l2: L2 penalty on every kernel.
        seed: seeds the initial weights; None takes them from Keras' global seed.
        name: name of the model.

    Returns:
        A functional model from (batch, samples, inputs) to (batch, samples, outputs), not compiled.

    Reference:
        van den Oord et al. 2016, "WaveNet: a generative model for raw audio", for the dilated causal stack; the sizes
        are those of Mat Kelcey's eurorack module.
    """
    if len(dilations) != len(filters) or not filters:
        raise ValueError(f"{len(dilations)} dilations and {len(filters)} filters: each convolution needs one of both")
    seeds = iter(initial_seeds(seed, 2 * len(filters) + 1))

    def conv(filters: int, kernel_size: int, dilation: int, relu: bool, name: str) -> keras.layers.Conv1D:
        return keras.layers.Conv1D(
            filters,
            kernel_size,
            dilation_rate=dilation,
            padding="causal",
            activation="relu" if relu else None,
            kernel_initializer=keras.initializers.HeUniform(seed=next(seeds)),
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name=name,
        )

    waves = x = keras.Input((samples, inputs), name="core_and_embedding")
    for index, (width, dilation) in enumerate(zip(filters, dilations, strict=True)):
        last = index == len(filters) - 1
        x = conv(width, kernel_size, dilation, pointwise or not last, f"causal_{index}")(x)
        if pointwise:
            x = conv(width, 1, 1, True, f"mix_{index}")(x)
    if pointwise:
        x = conv(outputs, 1, 1, False, "wave")(x)
    return keras.Model(waves, x, name=name)
