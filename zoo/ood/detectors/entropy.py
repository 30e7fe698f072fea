"""The entropy of the predicted distribution."""

from typing import ClassVar

from zoo.ood.detectors import logits
from zoo.ood.detectors.base import Array, Detector
from zoo.ood.outputs import Outputs


class Entropy(Detector):
    """Entropy of the softmax in nats, from 0 (certain) to log(classes).

    Reference:
        Mukhoti, Kulharia, Sanyal, Golodetz, Torr, Dokania 2020, "Calibrating deep neural networks using focal loss",
        where it separates CIFAR-10 from SVHN.
    """

    title: ClassVar[str] = "entropy"

    def _score(self, outputs: Outputs) -> Array:
        return logits.entropy(outputs.logits)
