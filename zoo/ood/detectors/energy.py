"""The free energy of the logits."""

from typing import ClassVar

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.detectors.logits import log_sum_exp
from zoo.ood.outputs import Outputs


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


def energy(logits: Array, temperature: float = 1.0) -> Array:
    """-T log sum_c exp(logits_c / T) of logits (n, classes): (n,), float64."""
    return -temperature * log_sum_exp(logits.astype("float64") / temperature)
