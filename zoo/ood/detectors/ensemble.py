"""How much the models of an ensemble disagree."""

from typing import ClassVar, Literal

import numpy as np

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.detectors.logits import log_softmax
from zoo.ood.outputs import Outputs


class EnsembleDisagreement(Detector):
    """Disagreement of several models, fitted to a list of them.

    Args:
        measure: "mutual_information" between the class and the choice of the model, in nats: entropy of the mean
            prediction less mean entropy of the predictions; or "variance" of the probabilities over the models, summed
            over the classes.

    Raises:
        ValueError: when fitting, for an unknown measure or fewer than two models.

    Reference:
        Lakshminarayanan, Pritzel, Blundell 2017, "Simple and scalable predictive uncertainty estimation using deep
        ensembles"; the mutual information after Depeweg et al. 2018 and Malinin, Gales 2018.
    """

    title: ClassVar[str] = "ensemble"
    needs_members: ClassVar[bool] = True

    def __init__(self, measure: Literal["mutual_information", "variance"] = "mutual_information") -> None:
        self.measure = measure

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if self.measure not in ("mutual_information", "variance"):
            raise ValueError(f"measure {self.measure!r} is neither 'mutual_information' nor 'variance'")

    def _score(self, outputs: Outputs) -> Array:
        logs = log_softmax(outputs.members)
        probabilities = np.exp(logs)
        if self.measure == "variance":
            return probabilities.var(axis=0).sum(axis=1)
        # The mean divergence from the mean: each is at least 0, where a difference of entropies would cancel.
        mean = np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))
        return (probabilities * (logs - mean)).sum(axis=2).mean(axis=0)
