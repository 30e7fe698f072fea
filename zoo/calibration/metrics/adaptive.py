"""The calibration error over bins of equal mass."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.metrics.probabilities import SUMS, ProbabilityMetric, confidence_and_success, share, whole_bins


@keras.saving.register_keras_serializable(package="zoo")
class AdaptiveCalibrationError(ProbabilityMetric):
    """How far confidence is from accuracy, on average over bins that hold equally many samples.

    The inner edges are the confidences below which k/bins of all weight lies (the inverse of the distribution
    function, without interpolation); each bin contains its upper edge, so that equal confidences share a bin, and the
    order of the samples is of no consequence.

    Where the edges lie is known only once everything has been seen, so this metric keeps every confidence.

    Args:
        bins: how many.
        capacity: how many samples there is room for; with more than that the result is NaN.
        from_logits: whether predictions are logits instead of probabilities.
        name, dtype: as in `keras.metrics.Metric`.

    Labels (batch,) or (batch, 1), predictions (batch, classes), weights (batch,). Without samples it is 0.

    Reference:
        Nguyen, O'Connor 2015, "Posterior calibration and exploratory analysis for natural language processing
        models"; Mukhoti et al. 2020, "Calibrating deep neural networks using focal loss", there Adaptive-ECE.
    """

    def __init__(
        self,
        bins: int = 15,
        capacity: int = 65_536,
        from_logits: bool = False,
        name: str = "adaptive_ece",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits=from_logits, name=name, dtype=dtype)
        self.bins, self.capacity = whole_bins(bins), int(capacity)
        # One more place than there is room for: there goes whatever does not fit.
        self.confidences = self.add_sums("confidences", (self.capacity + 1,))
        self.gaps = self.add_sums("gaps", (self.capacity + 1,))
        self.weights = self.add_sums("sample_weights", (self.capacity + 1,))
        self.count = self.add_weight(shape=(), initializer="zeros", dtype="int32", name="count")

    def add(self, labels: Any, predictions: Any, weight: Any) -> None:
        """Keeps a batch."""
        confidence, success = confidence_and_success(labels, self.probabilities(predictions))
        size = ops.shape(confidence)[0]
        places = ops.minimum(self.count + ops.arange(size, dtype="int32"), self.capacity)[:, None]
        for kept, new in (
            (self.confidences, confidence),
            (self.gaps, weight * (success - confidence)),
            (self.weights, weight),
        ):
            kept.assign(ops.scatter_update(kept, places, new))
        self.count.assign_add(size)

    def result(self) -> Any:
        """A number from 0 to 1, or NaN when more than `capacity` samples were seen."""
        used = ops.arange(self.capacity + 1, dtype="int32") < self.count
        confidence = ops.where(used, ops.convert_to_tensor(self.confidences), float("inf"))
        order = ops.argsort(confidence)
        confidence, gaps, weights = (ops.take(kept, order) for kept in (confidence, self.gaps, self.weights))
        below = ops.cumsum(weights)
        total = below[-1]
        quantiles = ops.arange(1, self.bins, dtype=SUMS) * total / self.bins
        edges = ops.take(confidence, ops.minimum(ops.searchsorted(below, quantiles), self.capacity))
        places = ops.searchsorted(edges, confidence)
        error = share(ops.sum(ops.abs(ops.segment_sum(gaps, places, num_segments=self.bins))), total)
        return ops.where(self.count > self.capacity, float("nan"), error)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "bins": self.bins, "capacity": self.capacity}
