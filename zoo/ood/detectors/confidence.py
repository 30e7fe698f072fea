"""Scores of the logits alone: how sure of itself the network is."""

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


class MaxSoftmax(Detector):
    """1 - the largest softmax: how much probability the winning class leaves to the others.

    Reference:
        Hendrycks, Gimpel 2017, "A baseline for detecting misclassified and out-of-distribution examples in neural
        networks".
    """

    title: ClassVar[str] = "max softmax"

    def _score(self, outputs: Outputs) -> Array:
        return logits.one_minus_largest(outputs.logits)


class MaxLogit(Detector):
    """The negative of the largest logit, which unlike a softmax also knows how strong the evidence is.

    Reference:
        Hendrycks, Basart, Mazeika, Zou, Kwon, Mostajabi, Steinhardt, Song 2022, "Scaling out-of-distribution detection
        for real-world settings".
    """

    title: ClassVar[str] = "max logit"

    def _score(self, outputs: Outputs) -> Array:
        return -outputs.logits.max(axis=1)


class Energy(Detector):
    """-T log sum_c exp(logit_c / T).

    Args:
        temperature: T, above 0. Towards 0 this becomes `MaxLogit`.

    Raises:
        ValueError: when fitting, for a temperature that is not above 0.

    Reference:
        Liu, Wang, Owens, Li 2020, "Energy-based out-of-distribution detection".
    """

    title: ClassVar[str] = "energy"

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = temperature

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if not self.temperature > 0:
            raise ValueError(f"a temperature of {self.temperature} is not above 0")

    def _score(self, outputs: Outputs) -> Array:
        return energy(outputs.logits, self.temperature)


def energy(values: Array, temperature: float = 1.0) -> Array:
    """-T log sum_c exp(logits_c / T) of logits `values`, (n, classes): (n,), float64."""
    return -temperature * logits.log_sum_exp(values.astype("float64") / temperature)
