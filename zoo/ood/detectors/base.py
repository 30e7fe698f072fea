"""The one interface of all detectors."""

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from zoo.ood.outputs import Outputs

Array = np.ndarray


class Detector(BaseEstimator):
    """Scores images by how unlike its training images they look to a classifier: higher = more outlying.

    A kind of detector defines `_fit`, where it learns anything, and `_score`. What it has learnt are arrays and numbers
    under names that end in an underscore; what it was made with are attributes with the names of the arguments.

    Attributes:
        title: what to call it in a table.
        needs_members: whether it is for ensembles.
        needs_images: whether it looks at the images again, beside features and logits.
        n_features_, n_classes_: width of the features and number of classes that it was fitted to.
    """

    title: ClassVar[str]
    needs_members: ClassVar[bool] = False
    needs_images: ClassVar[bool] = False
    _classifier: Any = None

    def fit(self, model: Any, x: Array, y: Array | None = None) -> Self:
        """Learns what is usual.

        Args:
            model: a Keras model or a list of them, as `Classifier` takes them, or a Classifier. It is kept.
            x: (n, ...), images that the model was trained on, none of them outlying.
            y: (n,), their classes; None for those that the model predicts.

        Raises:
            ValueError: a model without a last Dense layer, or images and labels that do not go together.
        """
        from zoo.ood.classifier import Classifier

        classifier = Classifier.of(model)
        self.fit_outputs(classifier.outputs(x), y)
        self._classifier = classifier
        return self

    def score(self, x: Array) -> Array:
        """How outlying each image is: (n,), float64, higher = more outlying.

        Raises:
            ValueError: not fitted, loaded without a model, or images that the model does not take.
        """
        check_is_fitted(self)
        if self._classifier is None:
            raise ValueError(f"{type(self).__name__} has no model: use fit, or load it with one, or score_outputs")
        return self.score_outputs(self._classifier.outputs(x))

    def fit_outputs(self, outputs: Outputs, y: Array | None = None) -> Self:
        """As `fit`, from what a classifier says about the training images."""
        self._check_needs(outputs)
        if not len(outputs):
            raise ValueError("there are no images to fit to")
        y = outputs.logits.argmax(axis=1) if y is None else np.asarray(y)
        if y.shape != (len(outputs),):
            raise ValueError(f"labels of shape {y.shape} for {len(outputs)} images")
        self.n_features_, self.n_classes_ = outputs.kernel.shape
        self._fit(outputs, y)
        return self

    def score_outputs(self, outputs: Outputs) -> Array:
        """As `score`, from what a classifier says about the images."""
        check_is_fitted(self)
        self._check_needs(outputs)
        if outputs.kernel.shape != (self.n_features_, self.n_classes_):
            raise ValueError(
                f"fitted to {self.n_features_} features and {self.n_classes_} classes, not to {outputs.kernel.shape}"
            )
        return np.asarray(self._score(outputs), np.float64)

    def save(self, path: Path | str) -> None:
        """Writes what was learnt as an .npz file without pickles; the model is not part of it."""
        check_is_fitted(self)
        about = json.dumps({"detector": type(self).__name__, "arguments": self.get_params(deep=False)})
        with Path(path).open("wb") as file:
            np.savez_compressed(file, about=np.array(about), **self._learnt())

    def _learnt(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name.endswith("_")}

    def _restore(self, learnt: dict[str, Array], model: Any = None) -> Self:
        """Takes over what `_learnt` gave; `zoo.ood.detectors.table.load` calls it."""
        for name, value in learnt.items():
            setattr(self, name, value if value.ndim else value.item())
        if model is not None:
            from zoo.ood.classifier import Classifier

            self._classifier = Classifier.of(model)
        return self

    def _check_needs(self, outputs: Outputs) -> None:
        if self.needs_members and (outputs.members is None or len(outputs.members) < 2):
            raise ValueError(f"{type(self).__name__} is for ensembles: it needs at least two models")
        if self.needs_images and (outputs.x is None or outputs.logits_of is None):
            raise ValueError(f"{type(self).__name__} needs images and a model, not their features and logits alone")

    def _fit(self, outputs: Outputs, y: Array) -> None:
        """Learns from the training images, of classes `y`; nothing by default."""

    def _score(self, outputs: Outputs) -> Array:
        raise NotImplementedError
