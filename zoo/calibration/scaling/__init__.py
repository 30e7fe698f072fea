"""Ways of calibrating a trained network, each `fit(model, x, y)` -> a Keras model of the same layers."""

from zoo.calibration.scaling.refit import LastLayerRefit
from zoo.calibration.scaling.temperature import TemperatureScaling
from zoo.calibration.scaling.vector import VectorScaling

__all__ = ["LastLayerRefit", "TemperatureScaling", "VectorScaling"]
