"""The largest logit."""

from typing import ClassVar

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.outputs import Outputs


class MaxLogit(Detector):
    """The negative of the largest logit, which unlike a softmax also knows how strong the evidence is.

    Reference:
        Hendrycks, Basart, Mazeika, Zou, Kwon, Mostajabi, Steinhardt, Song 2022, "Scaling out-of-distribution detection
        for real-world settings".
    """

    title: ClassVar[str] = "max logit"

    def _score(self, outputs: Outputs) -> Array:
        return -outputs.logits.max(axis=1)
