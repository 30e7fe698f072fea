"""ReAct: the energy, after features that are larger than usual have been cut."""

from typing import ClassVar

import numpy as np

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.detectors.confidence import energy
from zoo.ood.outputs import Outputs


class React(Detector):
    """Energy of the logits for features cut at a percentile of all training features.

    Args:
        percentile: from 0 to 100.

    Attributes:
        cut_: the value of that percentile.

    Raises:
        ValueError: when fitting, for a percentile out of range.

    Reference:
        Sun, Guo, Li 2021, "ReAct: out-of-distribution detection with rectified activations".
    """

    title: ClassVar[str] = "ReAct"

    def __init__(self, percentile: float = 90.0) -> None:
        self.percentile = percentile

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if not 0 <= self.percentile <= 100:
            raise ValueError(f"a percentile of {self.percentile} is not from 0 to 100")
        self.cut_ = float(np.percentile(outputs.features, self.percentile))

    def _score(self, outputs: Outputs) -> Array:
        return energy(outputs.logits_from(np.minimum(outputs.features, self.cut_)))
