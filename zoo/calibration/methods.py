"""The losses that are compared, by name."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from zoo.calibration.losses import (
    MaximumMeanCalibrationError,
    SampleDependentFocalLoss,
    SparseFocalLoss,
    SparseLabelSmoothing,
)


@dataclass(frozen=True)
class Method:
    """One way to train.

    Attributes:
        title: for tables.
        short: for columns.
        loss: makes the loss.
        gamma: of a focal loss with one gamma; None for others.
    """

    title: str
    short: str
    loss: Callable[[], keras.losses.Loss]
    gamma: float | None = None


def _cross_entropy() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


METHODS = {
    "cross-entropy": Method("cross entropy", "CE", _cross_entropy),
    "focal-1": Method("focal 1", "F1", lambda: SparseFocalLoss(1.0), 1.0),
    "focal-2": Method("focal 2", "F2", lambda: SparseFocalLoss(2.0), 2.0),
    "focal-3": Method("focal 3", "F3", lambda: SparseFocalLoss(3.0), 3.0),
    "flsd-53": Method("FLSD-53", "FLSD", SampleDependentFocalLoss),
    "mmce": Method("MMCE", "MMCE", MaximumMeanCalibrationError),
    "label-smoothing": Method("smoothing", "LS", SparseLabelSmoothing),
}
"""Every loss, by the name that `--losses` takes."""
