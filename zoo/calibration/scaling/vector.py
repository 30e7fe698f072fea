"""Vector scaling."""

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

Array = np.ndarray


class VectorScaling:
    """A factor and an offset for each class's logit, chosen for the likelihood of images not trained on.

    Predictions may change. Both go into the weights of the last layer, so that the calibrated network has the layers
    it had.

    Attributes:
        scale_, shift_: (classes,) each, what `fit` or `fit_logits` found; the logits become scale * logits + shift.

    Reference:
        Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks".
    """

    def fit(self, model: keras.Model, x: Any, y: Any) -> keras.Model:
        """The calibrated network: a copy, not compiled. Arguments and errors as in `TemperatureScaling.fit`."""
        kernel, bias = weights_of_last_dense(model)
        scale, shift = self.fit_logits(model.predict(x, verbose=0), y)
        return with_last_dense(model, kernel * scale, bias * scale + shift)

    def fit_logits(self, logits: Any, y: Any) -> tuple[Array, Array]:
        """Scale and shift for logits (n, classes) and labels (n,) that are at hand."""
        from scipy.optimize import minimize

        logits, y = checked(logits, y, "logits")
        count, classes = logits.shape
        labels_below(y, classes)
        wanted = np.eye(classes)[y]

        def loss(weights: Array) -> tuple[float, Array]:
            value, probabilities = log_likelihood(logits * weights[:classes] + weights[classes:], y)
            slopes = (probabilities - wanted) / count
            return value, np.concatenate([(slopes * logits).sum(0), slopes.sum(0)])

        start = np.concatenate([np.ones(classes), np.zeros(classes)])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1_000, "ftol": 1e-12})
        self.scale_, self.shift_ = found.x[:classes], found.x[classes:]
        return self.scale_, self.shift_
