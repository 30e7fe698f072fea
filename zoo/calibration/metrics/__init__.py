"""How far confidences can be believed, as streaming Keras metrics of integer labels and of logits or probabilities."""

from zoo.calibration.metrics.adaptive import AdaptiveCalibrationError
from zoo.calibration.metrics.brier import BrierScore
from zoo.calibration.metrics.classwise import ClasswiseCalibrationError
from zoo.calibration.metrics.expected import ExpectedCalibrationError
from zoo.calibration.metrics.likelihood import NegativeLogLikelihood

__all__ = [
    "AdaptiveCalibrationError",
    "BrierScore",
    "ClasswiseCalibrationError",
    "ExpectedCalibrationError",
    "NegativeLogLikelihood",
]
