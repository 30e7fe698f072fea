"""ODIN: a hot softmax, after a small step of the image towards what the classifier believes already."""

from typing import ClassVar

import numpy as np

from zoo.ood.detectors import logits
from zoo.ood.detectors.base import Array, Detector
from zoo.ood.outputs import Outputs


class Odin(Detector):
    """1 - the largest softmax at a high temperature, of images moved by the sign of its gradient.

    Each image x becomes x + e * sign(d/dx log max_c softmax(logits / T)_c): the confidence in an image that the network
    knows rises more than in one that it does not know.

    Args:
        temperature: T, above 0.
        magnitude: e, as a part of the range of the images that the detector is fitted to, from 0.

    Attributes:
        range_: largest minus smallest value of those images.

    Raises:
        ValueError: when fitting, for a temperature or magnitude out of range.

    Reference:
        Liang, Li, Srikant 2018, "Enhancing the reliability of out-of-distribution image detection in neural networks";
        the defaults are theirs for CIFAR-10.
    """

    title: ClassVar[str] = "ODIN"
    needs_images: ClassVar[bool] = True

    def __init__(self, temperature: float = 1000.0, magnitude: float = 0.0014) -> None:
        self.temperature = temperature
        self.magnitude = magnitude

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if not self.temperature > 0:
            raise ValueError(f"a temperature of {self.temperature} is not above 0")
        if not self.magnitude >= 0:
            raise ValueError(f"a magnitude of {self.magnitude} is below 0")
        self.range_ = float(np.ptp(outputs.x.astype(np.float64)))

    def _score(self, outputs: Outputs) -> Array:
        moved = outputs.logits
        if self.magnitude:
            slope = np.sign(outputs.log_softmax_gradient(outputs.x, self.temperature))
            moved = outputs.logits_of(outputs.x.astype(np.float32) + self.magnitude * self.range_ * slope)
        return logits.one_minus_largest(moved.astype(np.float64) / self.temperature)
