"""The calibration error of every class's probability, not only of the greatest."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.metrics.probabilities import SUMS, ProbabilityMetric, equal_width_bin, share, whole_bins


@keras.saving.register_keras_serializable(package="zoo")
class ClasswiseCalibrationError(ProbabilityMetric):
    """For each class, how far its probability is from how often it is the label, over bins of equal width; their mean.

    Args:
        classes: how many.
        bins: how many for each class; each contains its upper edge.
        from_logits: whether predictions are logits instead of probabilities.
        name, dtype: as in `keras.metrics.Metric`.

    Labels (batch,) or (batch, 1), predictions (batch, classes), weights (batch,). Without samples it is 0.

    Reference:
        Kull et al. 2019, "Beyond temperature scaling"; as static calibration error, Nixon et al. 2019, "Measuring
        calibration in deep learning".
    """

    def __init__(
        self,
        classes: int,
        bins: int = 15,
        from_logits: bool = False,
        name: str = "classwise_ece",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits=from_logits, name=name, dtype=dtype)
        self.classes, self.bins = int(classes), whole_bins(bins)
        self.gaps = self.add_sums("gaps", (self.classes * self.bins,))
        self.total = self.add_sums("total")

    def add(self, labels: Any, predictions: Any, weight: Any) -> None:
        """Adds a batch's gaps to the bins of each class."""
        probabilities = self.probabilities(predictions)
        gap = weight[:, None] * (ops.one_hot(labels, self.classes, dtype=SUMS) - probabilities)
        places = equal_width_bin(probabilities, self.bins) + self.bins * ops.arange(self.classes, dtype="int32")
        sums = ops.segment_sum(ops.ravel(gap), ops.ravel(places), num_segments=self.classes * self.bins)
        self.gaps.assign_add(sums)
        self.total.assign_add(ops.sum(weight))

    def result(self) -> Any:
        """A number from 0 to 1."""
        return share(ops.sum(ops.abs(self.gaps)), self.total) / self.classes

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "classes": self.classes, "bins": self.bins}
