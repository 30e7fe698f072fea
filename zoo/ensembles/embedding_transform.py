"""Centring and whitening of embeddings."""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any

MODES = ("centred", "whitened")


@keras.saving.register_keras_serializable(package="zoo")
class EmbeddingTransform(keras.layers.Layer):
    """Takes the mean from embeddings, or makes their covariance the identity; for each member by itself.

    An untrained network maps all images to nearly one direction, so that what tells two of them apart is small beside
    what they share. `adapt` measures mean and covariance on unlabelled images; until then the layer changes nothing.
    The statistics are weights and are saved with the model.

    Fitted on the very images that are then compared, this is transductive: a similarity depends on the other images of
    the set, though on none of their labels. Fitted on other images, it is not.

    Args:
        mode: "centred" or "whitened".
        epsilon: added to each variance before whitening, as a share of the mean variance; a direction in which the
            images do not differ is left small instead of blown up.
        **kwargs: as `keras.layers.Layer`.
    """

    def __init__(self, mode: str = "centred", *, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
        if epsilon <= 0:
            raise ValueError(f"epsilon is above 0, not {epsilon}")
        self.mode, self.epsilon = mode, epsilon

    def build(self, input_shape: Any) -> None:
        """A mean, and for whitening a matrix, for each member."""
        _, members, size = input_shape
        self.mean = self.add_weight((members, size), initializer="zeros", trainable=False, name="mean")
        if self.mode == "whitened":
            self.matrix = self.add_weight(
                (members, size, size),
                initializer=lambda shape, dtype=None: ops.broadcast_to(ops.eye(size, dtype=dtype), shape),
                trainable=False,
                name="matrix",
            )

    def adapt(self, embeddings: Tensor) -> None:
        """Measures mean and covariance.

        Args:
            embeddings: (images, members, dimensions), as they come into the layer; at least two images.
        """
        embeddings = np.asarray(ops.convert_to_numpy(embeddings), np.float64)
        if embeddings.ndim != 3 or len(embeddings) < 2:
            raise ValueError(
                f"at least two embeddings (images, members, dimensions) are needed, not {embeddings.shape}"
            )
        if not self.built:
            self.build(embeddings.shape)
        mean = embeddings.mean(axis=0)
        self.mean.assign(mean)
        if self.mode == "whitened":
            left = embeddings - mean
            covariance = np.einsum("nmi,nmj->mij", left, left) / (len(left) - 1)
            variances, directions = np.linalg.eigh(covariance)
            floor = self.epsilon * variances.mean(axis=-1, keepdims=True)
            if not (floor > 0).all():
                raise ValueError("all images have the same embedding, so there is nothing to whiten")
            scales = 1.0 / np.sqrt(np.maximum(variances, 0.0) + floor)
            self.matrix.assign(np.einsum("mik,mk,mjk->mij", directions, scales, directions))

    def call(self, inputs: Tensor) -> Tensor:
        """Embeddings (batch, members, dimensions), transformed."""
        centred = inputs - ops.cast(self.mean, inputs.dtype)
        if self.mode == "centred":
            return centred
        return ops.einsum("nmi,mij->nmj", centred, ops.cast(self.matrix, inputs.dtype))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {**super().get_config(), "mode": self.mode, "epsilon": self.epsilon}
