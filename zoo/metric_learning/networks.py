"""The embedding networks: images of bytes in, embeddings of unit length out.

Both take pixels of 0..255, so that a camera's frame goes in as it is, and hold only layers that the compiler knows.
"""

from typing import Any

import keras

from zoo.residual import convolutions
from zoo.seeds import initial_seeds

Shape = tuple[int | None, int | None, int]


def published(input_shape: Shape = (32, 32, 3), dimension: int = 8, *, seed: int | None = None) -> keras.Model:
    """The network of the keras.io example: three 3 x 3 convolutions of stride 2, average pooling and a dense layer.

    94,280 parameters for 8 dimensions.

    Args:
        input_shape: height, width and channels; None where any size may come.
        dimension: of an embedding.
        seed: seeds the initial weights; None takes them from Keras' global seed.

    Returns:
        A functional model from (batch, *input_shape) to (batch, dimension), not compiled.

    Reference:
        keras.io, "Metric learning for image similarity search".
    """
    seeds = iter(initial_seeds(seed, 4))

    def start() -> keras.Initializer:
        return keras.initializers.GlorotUniform(seed=next(seeds))

    images = keras.Input(input_shape, name="images")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(images)
    for index, filters in enumerate((32, 64, 128)):
        x = keras.layers.Conv2D(
            filters, 3, strides=2, activation="relu", kernel_initializer=start(), name=f"conv_{index}"
        )(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dense(dimension, kernel_initializer=start(), name="embedding")(x)
    return keras.Model(images, keras.layers.UnitNormalization(name="unit")(x), name="published_embedding")


def residual(
    input_shape: Shape = (32, 32, 3),
    dimension: int = 64,
    *,
    widths: tuple[int, ...] = (16, 32, 64, 128, 128),
    seed: int | None = None,
    dtype: str | None = None,
    fused: bool = False,
) -> keras.Model:
    """A residual network: a 3 x 3 stem, a basic block for each further width, average pooling and a dense layer.

    A block whose width is another than the one before halves height and width. With the default widths 608,432
    parameters, 16 million multiplications for an image of 32 x 32.

    Args:
        input_shape, seed: as `published`.
        dimension: of an embedding.
        widths: channels of the stem and of every block.
        dtype: policy of the convolutional layers, such as "mixed_bfloat16"; embeddings are float32 in any case.
        fused: train with `FusedBatchNormalization`; the weights fit either way.

    Returns:
        A functional model from (batch, *input_shape) to (batch, dimension), not compiled.

    Reference:
        He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition"; shortcuts that average before they
        are projected: He et al. 2019, "Bag of tricks for image classification".
    """
    seeds = iter(initial_seeds(seed, 2 + 3 * len(widths)))
    conv_norm = convolutions(seeds, dtype, fused)

    def relu(x: Any, name: str) -> Any:
        return keras.layers.ReLU(dtype=dtype, name=name)(x)

    images = keras.Input(input_shape, name="images")
    # Mean and twice the deviation of natural images, roughly, so that the stem sees values around 0.
    x = keras.layers.Rescaling(1 / 64, offset=-120 / 64, dtype=dtype, name="rescaling")(images)
    x = relu(conv_norm(x, widths[0], 3, 1, "stem"), "stem_relu")
    for index, width in enumerate(widths[1:]):
        here = f"block{index}"
        strides = 2 if width != x.shape[-1] else 1
        y = relu(conv_norm(x, width, 3, strides, f"{here}_a"), f"{here}_a_relu")
        y = conv_norm(y, width, 3, 1, f"{here}_b")
        if strides == 2:
            x = keras.layers.AveragePooling2D(2, padding="same", dtype=dtype, name=f"{here}_pool")(x)
            x = conv_norm(x, width, 1, 1, f"{here}_shortcut")
        x = relu(keras.layers.Add(dtype=dtype, name=f"{here}_sum")([x, y]), f"{here}_relu")
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pool")(x)
    start = keras.initializers.GlorotUniform(seed=next(seeds))
    x = keras.layers.Dense(dimension, kernel_initializer=start, dtype="float32", name="embedding")(x)
    return keras.Model(
        images, keras.layers.UnitNormalization(dtype="float32", name="unit")(x), name="residual_embedding"
    )
