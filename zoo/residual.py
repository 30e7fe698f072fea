"""Residual networks for small images: ResNet-18 and a sibling that two cores train in minutes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from zoo.fused_normalization import FusedBatchNormalization
from zoo.seeds import initial_seeds

FEATURES, LOGITS = "features", "logits"
"""Names of the layers whose outputs are the features, after global average pooling, and the logits."""


def resnet18(
    input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10, *, name: str = "resnet18", **options: Any
) -> keras.Model:
    """ResNet-18 as it is used on 32 x 32 images: a 3 x 3 stem without stride, and no max pooling.

    11,173,962 trainable weights and 555 million multiplications for an image of 32 x 32 in ten classes.

    Args:
        input_shape: height, width and channels; height and width divisible by 8.
        classes: how many logits.
        name: name of the model.
        **options: `seed`, `dtype` and `fused` of `residual`.

    Returns:
        A functional model from (batch, *input_shape) to logits (batch, classes), not compiled.

    Reference:
        He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition".
    """
    return residual((64, 128, 256, 512), (2, 2, 2, 2), input_shape, classes, name=name, **options)


def small_residual(
    input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10, *, name: str = "small_residual", **options: Any
) -> keras.Model:
    """A residual network of seven 3 x 3 convolutions, for two cores and for a microcontroller.

    Arguments and result as `resnet18`; height and width divisible by 8.
    """
    return residual((32, 64, 128), (1, 1, 1), input_shape, classes, stem_stride=2, name=name, **options)


def convolutions(seeds: Iterator[int | None], dtype: Any, fused: bool) -> Callable[..., Any]:
    """What every convolution of a residual network is: one without offsets, normalised.

    Args:
        seeds: where each takes its initial weights from.
        dtype, fused: as `residual`.

    Returns:
        A function of (x, filters, kernel_size, strides, name), x being (batch, height, width, channels).
    """
    normalization = FusedBatchNormalization if fused else keras.layers.BatchNormalization

    def conv_norm(x: Any, filters: int, kernel_size: int, strides: int, name: str) -> Any:
        x = keras.layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
            dtype=dtype,
            name=name,
        )(x)
        return normalization(momentum=0.9, dtype=dtype, name=f"{name}_norm")(x)

    return conv_norm


def residual(
    widths: Sequence[int],
    blocks: Sequence[int],
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    stem_stride: int = 1,
    seed: int | None = None,
    dtype: Any = None,
    fused: bool = False,
    name: str = "residual",
) -> keras.Model:
    """Stages of basic blocks: two 3 x 3 convolutions, each batch-normalised, and a shortcut around both.

    Args:
        widths: channels of every stage. The first block of each stage but the first halves height and width.
        blocks: blocks in every stage.
        stem_stride: stride of the convolution in front.
        input_shape, classes, name: as `resnet18`.
        seed: seeds the initial weights; None takes them from Keras' global seed.
        dtype: policy of every layer, such as "mixed_bfloat16"; None for Keras' own. The logits are float32 in any case.
        fused: train with `FusedBatchNormalization`; the weights fit either way.

    Raises:
        ValueError: stages without blocks, or images that cannot be halved as often as the network does.
    """
    if len(widths) != len(blocks) or not blocks or min(blocks) < 1:
        raise ValueError(f"{len(widths)} widths and {list(blocks)} blocks: every stage needs a width and a block")
    reduction = stem_stride * 2 ** (len(widths) - 1)
    if any(side % reduction for side in input_shape[:2]):
        raise ValueError(f"{input_shape[0]} x {input_shape[1]} images cannot be divided by {reduction}")
    seeds = iter(initial_seeds(seed, 2 + 3 * sum(blocks)))
    conv_norm = convolutions(seeds, dtype, fused)

    def relu(x: Any, name: str) -> Any:
        return keras.layers.ReLU(dtype=dtype, name=name)(x)

    images = keras.Input(input_shape, name="images")
    x = relu(conv_norm(images, widths[0], 3, stem_stride, "stem"), "stem_relu")
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(count):
            here = f"stage{stage}_block{block}"
            strides = 2 if stage and not block else 1
            y = relu(conv_norm(x, width, 3, strides, f"{here}_a"), f"{here}_a_relu")
            y = conv_norm(y, width, 3, 1, f"{here}_b")
            if strides != 1 or x.shape[-1] != width:
                x = conv_norm(x, width, 1, strides, f"{here}_shortcut")
            x = relu(keras.layers.Add(dtype=dtype, name=f"{here}_sum")([x, y]), f"{here}_relu")
    # From here on in float32, whatever the policy: a temperature and an energy need more than eight bits of a logit.
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name=FEATURES)(x)
    x = keras.layers.Dense(
        classes,
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        dtype="float32",
        name=LOGITS,
    )(x)
    return keras.Model(images, x, name=name)
