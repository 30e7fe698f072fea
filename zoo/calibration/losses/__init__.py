"""Losses that decide how sure a network becomes. All take integer labels and logits."""

from zoo.calibration.losses.focal import SparseFocalLoss
from zoo.calibration.losses.label_smoothing import SparseLabelSmoothing
from zoo.calibration.losses.mmce import MaximumMeanCalibrationError
from zoo.calibration.losses.sample_dependent_focal import SampleDependentFocalLoss

__all__ = ["MaximumMeanCalibrationError", "SampleDependentFocalLoss", "SparseFocalLoss", "SparseLabelSmoothing"]
