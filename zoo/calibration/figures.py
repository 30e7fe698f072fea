"""What is measured of one model: numbers, as they go to a file."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from scipy.special import softmax

from zoo.calibration.metrics import (
    AdaptiveCalibrationError,
    BrierScore,
    ClasswiseCalibrationError,
    ExpectedCalibrationError,
    NegativeLogLikelihood,
)
from zoo.calibration.noise_floor import noise_floor

Array = np.ndarray


@dataclass(frozen=True)
class Figures:
    """One model on the test images, and how its detectors tell outliers from them.

    Attributes:
        accuracy, nll, ece, adaptive_ece, classwise_ece, brier: as the metrics of `zoo.calibration.metrics`.
        floor, floor95: mean and 95th percentile of the ECE that it would have if its confidences were right.
        temperature: that its logits were divided by; 1 where there was none, None where the layer was refitted.
        auroc, fpr95: by kind of outliers ("hard", "easy"), by detector. A detector that does not depend on the
            temperature is measured once, at 1.
    """

    accuracy: float
    nll: float
    ece: float
    adaptive_ece: float
    classwise_ece: float
    brier: float
    floor: float
    floor95: float
    temperature: float | None
    auroc: dict[str, dict[str, float]]
    fpr95: dict[str, dict[str, float]]

    @classmethod
    def of(cls, logits: Array, y: Array, temperature: float | None, evaluation: Any = None) -> Self:
        """Measures logits (n, classes) of test images with labels (n,).

        Args:
            evaluation: a `zoo.ood.evaluation.Evaluation` of detectors; None for none.
        """
        kinds = [] if evaluation is None else list(next(iter(evaluation.separations.values())))

        def by_kind(name: str) -> dict[str, dict[str, float]]:
            return {kind: {d: getattr(s[kind], name) for d, s in evaluation.separations.items()} for kind in kinds}

        metrics = {
            "nll": NegativeLogLikelihood(from_logits=True),
            "ece": ExpectedCalibrationError(from_logits=True),
            "adaptive_ece": AdaptiveCalibrationError(capacity=len(y), from_logits=True),
            "classwise_ece": ClasswiseCalibrationError(logits.shape[1], from_logits=True),
            "brier": BrierScore(from_logits=True),
        }
        floor = noise_floor(softmax(logits.astype(np.float64), axis=-1))
        return cls(
            accuracy=float(np.mean(logits.argmax(-1) == y)),
            **{name: float(metric(y, logits)) for name, metric in metrics.items()},
            floor=floor.mean,
            floor95=floor.percentile95,
            temperature=temperature,
            auroc=by_kind("auroc"),
            fpr95=by_kind("fpr95"),
        )

    def as_json(self) -> dict[str, Any]:
        """JSON types, for `Figures(**...)`."""
        return asdict(self)


def mean_and_deviation(values: list[float]) -> tuple[float, float]:
    """Over seeds; the deviation of a sample, 0 of a single one."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
