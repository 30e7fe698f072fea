"""ASH: the energy, after each image's weaker features have been removed."""

from typing import Literal

import numpy as np

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.detectors.confidence import energy
from zoo.ood.outputs import Outputs


class Ash(Detector):
    """Activation shaping: keeps the largest features of each image and the energy of the logits for them.

    Args:
        variant: "s" scales what is kept by exp(sum before / sum after); "b" makes all of it equal, with the sum as it
            was before.
        percentile: of the features of an image that are removed, from 0 to below 100; None for the published ones of
            the variant, 90 for "s" and 65 for "b".

    Features are meant to be those after a relu. For others, the magnitude says which are large, and signs are kept.

    Raises:
        ValueError: when fitting, for an unknown variant or a percentile out of range.

    Reference:
        Djurisic, Bozanic, Ashok, Liu 2023, "Extremely simple activation shaping for out-of-distribution detection".
    """

    def __init__(self, variant: Literal["s", "b"] = "s", percentile: float | None = None) -> None:
        self.variant = variant
        self.percentile = percentile

    @property
    def title(self) -> str:
        """ASH-S or ASH-B."""
        return f"ASH-{self.variant.upper()}"

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if self.variant not in ("s", "b"):
            raise ValueError(f"variant {self.variant!r} is neither 's' nor 'b'")
        if self.percentile is not None and not 0 <= self.percentile < 100:
            raise ValueError(f"a percentile of {self.percentile} is not from 0 to below 100")

    def _score(self, outputs: Outputs) -> Array:
        percentile = self.percentile if self.percentile is not None else {"s": 90.0, "b": 65.0}[self.variant]
        return energy(outputs.logits_from(shaped(outputs.features, percentile, self.variant)))


def shaped(features: Array, percentile: float, variant: Literal["s", "b"]) -> Array:
    """Features (n, width) as the last layer gets to see them: same shape, float64."""
    features = features.astype(np.float64)
    width = features.shape[1]
    removed = min(round(width * percentile / 100), width - 1)
    strength = np.abs(features)
    weakest = np.partition(strength, removed, axis=1)[:, removed : removed + 1]
    # Several that are equally weak stay together, and none of 0, so that the order of the features plays no part.
    mask = (strength >= weakest) & (strength > 0)
    before, after = strength.sum(axis=1, keepdims=True), (strength * mask).sum(axis=1, keepdims=True)
    if variant == "b":
        return np.sign(features) * mask * before / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return features * mask * np.exp(before / np.where(after > 0, after, 1.0))  # where after is 0, so is everything else
