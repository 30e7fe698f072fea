"""What a classifier says about a batch of images, as arrays, so that many detectors can share one forward pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Outputs:
    """Features and logits of n images, and the last layer that leads from the one to the other.

    Attributes:
        features: (n, width), what the last Dense layer reads.
        logits: (n, classes), what it says, before any softmax.
        kernel: (width, classes), its weights.
        bias: (classes,), its bias.
        members: (models, n, classes), the logits of every model of an ensemble; None for a single model.
        x: (n, ...), the images; None where nobody needs them.
        log_softmax_gradient: from images (m, ...) and a temperature to the gradient, of their shape, of the logarithm
            of the largest softmax at that temperature; None where there is no model.
        logits_of: from images (m, ...) to logits (m, classes); None where there is no model.
    """

    features: Array
    logits: Array
    kernel: Array
    bias: Array
    members: Array | None = None
    x: Array | None = None
    log_softmax_gradient: Callable[[Array, float], Array] | None = None
    logits_of: Callable[[Array], Array] | None = None

    def __post_init__(self) -> None:
        """Refuses arrays that do not fit each other, or that hold NaN or infinity.

        Raises:
            ValueError: which one, and what it would have to be.
        """
        for name in ("features", "logits", "kernel"):
            if np.ndim(getattr(self, name)) != 2:
                raise ValueError(f"{name} of shape {np.shape(getattr(self, name))} must have two axes")
        width, classes = np.shape(self.kernel)
        count = len(self.features)
        wanted = {"features": (count, width), "logits": (count, classes), "bias": (classes,)}
        if self.members is not None:
            wanted["members"] = (len(self.members), count, classes)
        for name, shape in wanted.items():
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(f"{name} have shape {np.shape(getattr(self, name))}, not {shape}")
        if self.x is not None and len(self.x) != count:
            raise ValueError(f"{len(self.x)} images, but features of {count}")
        for name in ("features", "logits", "kernel", "bias", "members"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value).all():
                raise ValueError(f"{name} hold NaN or infinity")

    def __len__(self) -> int:
        return len(self.features)

    def take(self, index: Array | slice) -> "Outputs":
        """The outputs of some of the images: `index` is a slice, a mask or positions."""
        return replace(
            self,
            features=self.features[index],
            logits=self.logits[index],
            members=None if self.members is None else self.members[:, index],
            x=None if self.x is None else self.x[index],
        )

    def logits_from(self, features: Array) -> Array:
        """Logits (n, classes), float64, of the last layer for other features (n, width)."""
        return features.astype(np.float64) @ self.kernel.astype(np.float64) + self.bias
