"""ViM: what the features have outside of their usual subspace, as the logit of one more class."""

from typing import ClassVar

import numpy as np

from zoo.ood.detectors.base import Array, Detector
from zoo.ood.detectors.logits import log_sum_exp
from zoo.ood.outputs import Outputs


class Vim(Detector):
    """Virtual-logit matching: the length of the features' residual, scaled to the size of a logit, plus the energy.

    Args:
        dimensions: of the principal subspace, from 0 to below the width of the features; None for half their width, or
            1,000 of 2,048 and more, or 512 of 768 and more, as published.

    Attributes:
        origin_: (width,), the point where all logits are 0 (or least), from which features are measured.
        residual_: (width, width - dimensions), an orthonormal basis of what is not principal.
        scale_: mean largest logit over mean residual, both of the training images.

    Raises:
        ValueError: when fitting, for dimensions out of range.

    Reference:
        Wang, Li, Feng, Zhang 2022, "ViM: out-of-distribution with virtual-logit matching".
    """

    title: ClassVar[str] = "ViM"

    def __init__(self, dimensions: int | None = None) -> None:
        self.dimensions = dimensions

    def _fit(self, outputs: Outputs, y: Array) -> None:
        width = outputs.features.shape[1]
        dimensions = self.dimensions
        if dimensions is None:
            dimensions = 1000 if width >= 2048 else 512 if width >= 768 else width // 2
        if not 0 <= dimensions < width:
            raise ValueError(f"{dimensions} principal dimensions of {width} features leave no residual")
        self.origin_ = -np.linalg.pinv(outputs.kernel.astype(np.float64).T) @ outputs.bias
        centred = outputs.features.astype(np.float64) - self.origin_
        _, directions = np.linalg.eigh(centred.T @ centred)  # by rising variance
        self.residual_ = directions[:, : width - dimensions]
        lengths = np.linalg.norm(centred @ self.residual_, axis=1)
        # A residual that is 0 but for rounding has no scale of its own: then that of the features.
        floor = np.linalg.norm(centred, axis=1).mean() * 1e-6
        # Logits are meant up to a constant, and could all be below 0; a virtual logit must rise with the residual.
        self.scale_ = float(
            np.abs(outputs.logits.max(axis=1).mean(dtype=np.float64)) / max(lengths.mean(), floor, 1e-30)
        )

    def _score(self, outputs: Outputs) -> Array:
        residual = (outputs.features.astype(np.float64) - self.origin_) @ self.residual_
        return self.scale_ * np.linalg.norm(residual, axis=1) - log_sum_exp(outputs.logits)
