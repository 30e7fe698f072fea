"""A classifier that takes every channel at every resolution, and may do without any of them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

Array = np.ndarray
Tensor = Any


@keras.saving.register_keras_serializable(package="zoo")
class Choose(keras.layers.Layer):
    """Images at several resolutions, each with the channels that were chosen for it, the others being 0.

    Input: images (batch, side, side, channels), and genes (batch, channels), as in `zoo.channels.searches`. In training
    genes are drawn anew for each image. Output: a list of images, one for each side. An image is shrunk by averages,
    so that what is too fine for a resolution does not come back as something else.

    Args:
        sides: of the images, in pixels, the finest first; each divides the first.
        rate: with which a channel is dropped in training; 0 leaves every channel there, at its finest.
        seed: of what is drawn.
        **kwargs: as `keras.layers.Layer`.
    """

    def __init__(self, sides: Sequence[int], rate: float = 0.5, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if any(sides[0] % side for side in sides):
            raise ValueError(f"sides of {list(sides)} pixels: each must divide the first")
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"channels cannot be dropped at a rate of {rate}: it is from 0 to below 1")
        self.sides, self.rate, self.seed = tuple(sides), rate, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, genes: Tensor, training: bool = False) -> list[Tensor]:
        """One image for each side."""
        if training:
            shape = ops.shape(genes)
            drawn = keras.random.randint(shape, 1, len(self.sides) + 1, seed=self.generator)
            kept = keras.random.uniform(shape, seed=self.generator) >= self.rate
            genes = drawn * ops.cast(kept, "int32") if self.rate else ops.ones_like(genes)
        found = []
        for index, side in enumerate(self.sides, 1):
            mask = ops.cast(ops.equal(genes, index), images.dtype)[:, None, None, :]
            found.append(shrink(images, side) * mask)
        return found

    def compute_output_shape(self, images_shape: Any, genes_shape: Any) -> list[Any]:
        """One shape for each side."""
        return [(images_shape[0], side, side, images_shape[-1]) for side in self.sides]

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "sides": list(self.sides), "rate": self.rate, "seed": self.seed}


def shrink(images: Tensor, side: int) -> Tensor:
    """Images (batch, s, s, channels) as means of squares, (batch, side, side, channels)."""
    size = images.shape[1] // side
    return images if size == 1 else ops.average_pool(images, size, size, padding="valid")


def trunk(channels: int, filters: int, seed: int) -> keras.Sequential:
    """Two convolutions with gelu, then the mean over the image; every size will do."""
    first, second = (keras.initializers.GlorotUniform(seed=(2 * seed + i)) for i in range(2))
    return keras.Sequential(
        [
            keras.Input((None, None, channels)),
            keras.layers.Conv2D(filters, 3, padding="same", activation="gelu", kernel_initializer=first, name="first"),
            keras.layers.Conv2D(
                filters, 3, padding="same", activation="gelu", kernel_initializer=second, name="second"
            ),
            keras.layers.GlobalAveragePooling2D(name="mean"),
        ],
        name="trunk",
    )


def build(sides: Sequence[int], channels: int, classes: int, *, rate: float, filters: int, seed: int) -> keras.Model:
    """From images (batch, side, side, channels) and genes (batch, channels) to logits (batch, classes)."""
    images = keras.Input((sides[0], sides[0], channels), name="images")
    genes = keras.Input((channels,), dtype="int32", name="genes")
    shared = trunk(channels, filters, seed)
    features = [shared(one) for one in Choose(sides, rate, seed, name="choose")(images, genes)]
    joined = keras.layers.Concatenate(name="joined")(features) if len(features) > 1 else features[0]
    head = keras.layers.Dense(classes, kernel_initializer=keras.initializers.GlorotUniform(seed=seed), name="head")
    return keras.Model([images, genes], head(joined), name="channels")


def prune(model: keras.Model, genes: Array) -> keras.Model:
    """The same for one choice alone, without the channels that it does not use.

    Inputs: one for each resolution in use, (batch, side, side, channels used at it), the finest first. The first kernel
    is cut, once for each resolution; what the trunk makes of an image without channels is constant, and goes into the
    bias of the head. Outputs are those of the model with these genes.

    Raises:
        ValueError: genes out of range, or none but 0: then there is nothing left to see.
    """
    choose, shared, head = (model.get_layer(name) for name in ("choose", "trunk", "head"))
    channels = model.inputs[0].shape[-1]
    genes = np.asarray(genes)
    if genes.shape != (channels,) or genes.min() < 0 or genes.max() > len(choose.sides):
        raise ValueError(f"genes {genes.tolist()} are not {channels} numbers from 0 to {len(choose.sides)}")
    if not genes.any():
        raise ValueError("a choice without any channel leaves no network")
    first, second = shared.get_layer("first"), shared.get_layer("second")
    kernel, bias = head.get_weights()
    inputs, features, rows, setting = [], [], [], []
    for index, side in enumerate(choose.sides, 1):
        used, part = np.flatnonzero(genes == index), slice((index - 1) * second.filters, index * second.filters)
        if not len(used):
            bias = (
                bias + ops.convert_to_numpy(shared(np.zeros((1, side, side, channels), np.float32)))[0] @ kernel[part]
            )
            continue
        image = keras.Input((side, side, len(used)), name=f"at_{side}")
        cut = keras.layers.Conv2D(first.filters, 3, padding="same", activation="gelu", name=f"first_{side}")
        then = keras.layers.Conv2D(second.filters, 3, padding="same", activation="gelu", name=f"second_{side}")
        features.append(keras.layers.GlobalAveragePooling2D(name=f"mean_{side}")(then(cut(image))))
        weights, offset = first.get_weights()
        setting += [(cut, [weights[:, :, used], offset]), (then, second.get_weights())]
        inputs.append(image)
        rows.append(kernel[part])
    joined = keras.layers.Concatenate(name="joined")(features) if len(features) > 1 else features[0]
    last = keras.layers.Dense(head.units, name="head")
    pruned = keras.Model(inputs, last(joined), name="pruned")
    for layer, weights in [*setting, (last, [np.concatenate(rows), bias])]:
        layer.set_weights(weights)
    return pruned


def inputs_of(genes: Array, images: Array, sides: Sequence[int]) -> list[Array]:
    """What a pruned network is given: images (n, side, side, channels) with the channels that it uses."""
    used = [(side, np.flatnonzero(genes == index)) for index, side in enumerate(sides, 1) if (genes == index).any()]
    return [ops.convert_to_numpy(shrink(ops.convert_to_tensor(images[..., at]), side)) for side, at in used]
