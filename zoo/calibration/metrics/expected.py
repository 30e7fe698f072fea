"""The expected calibration error."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.metrics.probabilities import (
    ProbabilityMetric,
    confidence_and_success,
    equal_width_bin,
    share,
    whole_bins,
)


@keras.saving.register_keras_serializable(package="zoo")
class ExpectedCalibrationError(ProbabilityMetric):
    """ECE: how far confidence is from accuracy, on average over bins of equal width.

    The sum over the bins of |sum of (success - confidence)| over the samples in it, divided by the number of samples.
    Even a perfectly calibrated network scores more than 0, because labels are drawn: see
    `zoo.calibration.noise_floor`.

    Args:
        bins: how many; each contains its upper edge.
        from_logits: whether predictions are logits instead of probabilities.
        name, dtype: as in `keras.metrics.Metric`.

    Labels (batch,) or (batch, 1), predictions (batch, classes), weights (batch,). Without samples it is 0.

    Reference:
        Naeini, Cooper, Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al.
        2017, "On calibration of modern neural networks".
    """

    def __init__(self, bins: int = 15, from_logits: bool = False, name: str = "ece", dtype: Any = None) -> None:
        super().__init__(from_logits=from_logits, name=name, dtype=dtype)
        self.bins = whole_bins(bins)
        self.gaps = self.add_sums("gaps", (self.bins,))
        self.total = self.add_sums("total")

    def add(self, labels: Any, predictions: Any, weight: Any) -> None:
        """Adds a batch's gaps to their bins."""
        confidence, success = confidence_and_success(labels, self.probabilities(predictions))
        places = equal_width_bin(confidence, self.bins)
        self.gaps.assign_add(ops.segment_sum(weight * (success - confidence), places, num_segments=self.bins))
        self.total.assign_add(ops.sum(weight))

    def result(self) -> Any:
        """A number from 0 to 1."""
        return share(ops.sum(ops.abs(self.gaps)), self.total)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "bins": self.bins}
