"""The largest predicted probability."""

from typing import ClassVar

from zoo.ood.detectors import logits
from zoo.ood.detectors.base import Array, Detector
from zoo.ood.outputs import Outputs


class MaxSoftmax(Detector):
    """1 - the largest softmax: how much probability the winning class leaves to the others.

    Reference:
        Hendrycks, Gimpel 2017, "A baseline for detecting misclassified and out-of-distribution examples in neural
        networks".
    """

    title: ClassVar[str] = "max softmax"

    def _score(self, outputs: Outputs) -> Array:
        return logits.one_minus_largest(outputs.logits)
