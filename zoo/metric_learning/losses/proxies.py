"""Trained representatives of the classes."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.pairs import Tensor, cosines


@keras.saving.register_keras_serializable(package="zoo")
class Proxies(keras.layers.Layer):
    """One trained vector for each class; the output is an embedding's cosine to each of them.

    The state of `ProxyAnchor` and `NormalizedSoftmax`, and by itself a classifier of embeddings.

    Args:
        classes: how many.
        dimension: of an embedding.
        seed: seeds the initial directions; None takes them from Keras' global seed.
        **kwargs: as `keras.layers.Layer`.

    Input (batch, dimension), output (batch, classes).
    """

    def __init__(self, classes: int, dimension: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if classes < 2 or dimension < 1:
            raise ValueError(f"{classes} classes in {dimension} dimensions: there must be at least 2 in at least 1")
        self.classes, self.dimension, self.seed = classes, dimension, seed
        self.build((None, dimension))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weight; the constructor calls it, because a loss has no build step of its own."""
        if self.built:
            return
        if input_shape[-1] != self.dimension:
            raise ValueError(f"embeddings have {input_shape[-1]} dimensions, the proxies {self.dimension}")
        # Directions are all that matters; at a length of about 1 a step turns them as far as an embedding turns.
        start = keras.initializers.RandomNormal(stddev=self.dimension**-0.5, seed=self.seed)
        self.proxies = self.add_weight((self.classes, self.dimension), initializer=start, name="proxies")
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Cosines, (batch, classes)."""
        return cosines(inputs, ops.cast(self.proxies, inputs.dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(batch, classes)."""
        return (*input_shape[:-1], self.classes)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        own = {"classes": self.classes, "dimension": self.dimension, "seed": self.seed}
        return {**super().get_config(), **own}
