"""Temperature scaling."""

from typing import Any

import keras
import numpy as np

from zoo.calibration.scaling.last_layer import (
    checked,
    labels_below,
    log_likelihood,
    weights_of_last_dense,
    with_last_dense,
)


class TemperatureScaling:
    """Divides all logits by one number, chosen for the likelihood of images the network was not trained on.

    The order of the classes stays as it is, and so do predictions; only confidence changes. The temperature goes into
    the weights of the last layer, so that the calibrated network has the layers it had.

    Args:
        least, most: between which temperatures to search. Where the best lies beyond, the nearer of the two is taken,
            to a millionth: as for labels that no logit agrees with, or logits in the thousands that are often wrong.

    Attributes:
        temperature_: what `fit` or `fit_logits` found; above 1 where the network was too sure of itself.

    Reference:
        Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks".
    """

    def __init__(self, least: float = 0.01, most: float = 100.0) -> None:
        if not 0 < least < most < np.inf:
            raise ValueError(f"there are no temperatures from {least} to {most}")
        self.least, self.most = float(least), float(most)

    def fit(self, model: keras.Model, x: Any, y: Any) -> keras.Model:
        """The calibrated network: a copy, not compiled.

        Args:
            model: functional, ending in a Dense layer of logits; left as it is.
            x: what `model.predict` takes.
            y: labels, (n,) or (n, 1).

        Raises:
            ValueError: a model without such a layer, or images and labels that do not go together.
        """
        kernel, bias = weights_of_last_dense(model)
        temperature = self.fit_logits(model.predict(x, verbose=0), y)
        return with_last_dense(model, kernel / temperature, bias / temperature)

    def fit_logits(self, logits: Any, y: Any) -> float:
        """The temperature for logits (n, classes) and labels (n,) that are at hand."""
        from scipy.optimize import minimize_scalar

        logits, y = checked(logits, y, "logits")
        labels_below(y, logits.shape[1])
        # Convex in 1/T, so there is one minimum in log T too, where a factor of two is the same step everywhere.
        found = minimize_scalar(
            lambda log_temperature: log_likelihood(logits * np.exp(-log_temperature), y)[0],
            bounds=(np.log(self.least), np.log(self.most)),
            method="bounded",
            options={"xatol": 1e-6},
        )
        # Where none is better than another, all is right and sure, or all logits are equal: nothing to change.
        idle = self.least <= 1 <= self.most and log_likelihood(logits, y)[0] <= found.fun
        self.temperature_ = 1.0 if idle else float(np.exp(found.x))
        return self.temperature_
