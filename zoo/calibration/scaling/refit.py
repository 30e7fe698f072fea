"""A new last layer on old features."""

from typing import Any

import keras
import numpy as np

from zoo.calibration.scaling.last_layer import checked, inputs_of_last_dense, weights_of_last_dense, with_last_dense


class LastLayerRefit:
    """Fits the last layer anew, by logistic regression on the features, to images the network was not trained on.

    Args:
        strength: of the fit to the images against a penalty on the squared weights, as scikit-learn's C.

    Attributes:
        regression_: the `sklearn.linear_model.LogisticRegression` that `fit` made.
    """

    def __init__(self, strength: float = 1.0) -> None:
        if not strength > 0:
            raise ValueError(f"strength is {strength}, but must be above 0")
        self.strength = float(strength)

    def fit(self, model: keras.Model, x: Any, y: Any) -> keras.Model:
        """The network with its new last layer: a copy, not compiled.

        Args:
            model: functional, ending in a Dense layer of logits; left as it is.
            x: what `model.predict` takes.
            y: labels, (n,) or (n, 1), each class among them.

        Raises:
            ValueError: a model without such a layer, images and labels that do not go together, or a class missing.
        """
        from sklearn.linear_model import LogisticRegression

        _, bias = weights_of_last_dense(model)
        features, y = checked(inputs_of_last_dense(model).predict(x, verbose=0), y, "features")
        if not np.array_equal(np.unique(y), np.arange(len(bias))):
            raise ValueError(
                f"the labels {np.unique(y).tolist()} are not all of the {len(bias)} classes, and no others"
            )
        self.regression_ = LogisticRegression(C=self.strength, max_iter=5_000, tol=1e-6).fit(features, y)
        weights, offsets = self.regression_.coef_, self.regression_.intercept_
        if len(weights) == 1:  # of two classes scikit-learn keeps one row, the log-odds of the second
            weights, offsets = np.concatenate([0 * weights, weights]), np.concatenate([0 * offsets, offsets])
        return with_last_dense(model, weights.T, offsets)
