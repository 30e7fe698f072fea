"""What the metrics of calibration share."""

from typing import Any

import keras
from keras import ops

from zoo.calibration.losses.base import labels_as_integers

SUMS = "float64"
"""Of all sums: in float32, an error of one sample's size is lost among some ten thousand."""


class ProbabilityMetric(keras.metrics.Metric):
    """A metric of labels and predicted probabilities; a subclass adds a batch in `add` and says the `result`.

    Args:
        from_logits: whether predictions are logits, of which the softmax is taken first.
        name, dtype: as in `keras.metrics.Metric`. Whatever the dtype, sums are kept in float64.

    Takes labels of shape (batch,) or (batch, 1), predictions of shape (batch, classes), and optionally weights of the
    samples, (batch,).
    """

    def __init__(self, from_logits: bool = False, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.from_logits = bool(from_logits)

    def add_sums(self, name: str, shape: tuple[int, ...] = ()) -> Any:
        """A float64 variable that starts at 0."""
        return self.add_weight(shape=shape, initializer="zeros", dtype=SUMS, name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.cast(y_pred, SUMS)
        labels = labels_as_integers(y_true, y_pred)
        if sample_weight is None:
            weight = ops.ones_like(y_pred[:, 0])
        else:
            weight = ops.reshape(ops.cast(sample_weight, SUMS), (-1,))
        self.add(labels, y_pred, weight)

    def add(self, labels: Any, predictions: Any, weight: Any) -> None:
        """Adds int32 labels (batch,), float64 predictions (batch, classes) and float64 weights (batch,)."""
        raise NotImplementedError

    def probabilities(self, predictions: Any) -> Any:
        """Predictions as probabilities."""
        return ops.softmax(predictions, axis=-1) if self.from_logits else predictions

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types."""
        return {**super().get_config(), "from_logits": self.from_logits}


def equal_width_bin(probability: Any, bins: int) -> Any:
    """Which of the bins (0, 1/bins], (1/bins, 2/bins] ... a probability is in, as int32; 0 itself is in the first.

    The product of a float32 number and a small whole one is exact in float64, so no probability crosses an edge.
    """
    return ops.clip(ops.cast(ops.ceil(probability * bins), "int32") - 1, 0, bins - 1)


def confidence_and_success(labels: Any, probabilities: Any) -> tuple[Any, Any]:
    """The greatest probability of each sample, and 1.0 where it is the label's, else 0.0; both (batch,)."""
    predicted = ops.cast(ops.argmax(probabilities, axis=-1), "int32")
    return ops.max(probabilities, axis=-1), ops.cast(predicted == labels, SUMS)


def share(part: Any, whole: Any) -> Any:
    """part / whole, and 0 where whole is 0."""
    return part / ops.where(whole == 0.0, 1.0, whole)


def whole_bins(bins: int) -> int:
    """A number of bins, checked."""
    if int(bins) != bins or bins < 1:
        raise ValueError(f"{bins} bins: it must be a whole number from 1")
    return int(bins)
