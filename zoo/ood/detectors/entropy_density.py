"""How unusual an entropy is among those of the training images."""

from typing import ClassVar

import numpy as np
from sklearn.neighbors import KernelDensity

from zoo.ood.detectors import logits
from zoo.ood.detectors.base import Array, Detector
from zoo.ood.outputs import Outputs


class EntropyDensity(Detector):
    """Negative logarithm of a Gaussian kernel density estimate on the entropy.

    It asks whether an entropy is usual rather than whether it is high. The two differ where certain predictions are
    rarer than slightly uncertain ones, and there this loses to the plain `Entropy`, for which it stands as a baseline.

    Args:
        bandwidth: standard deviation of the kernels in nats, above 0; None for Silverman's rule.
        samples: how many of the training images to keep, evenly spaced by entropy.

    Attributes:
        entropies_: (at most samples, 1).
        bandwidth_: nats.

    Raises:
        ValueError: when fitting, for a bandwidth that is not above 0 or fewer than two samples.

    Reference:
        Silverman 1986, "Density estimation for statistics and data analysis".
    """

    title: ClassVar[str] = "entropy density"

    def __init__(self, bandwidth: float | None = None, samples: int = 2000) -> None:
        self.bandwidth = bandwidth
        self.samples = samples

    def _fit(self, outputs: Outputs, y: Array) -> None:
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise ValueError(f"a bandwidth of {self.bandwidth} is not above 0")
        if self.samples < 2:
            raise ValueError(f"{self.samples} samples make no density")
        entropies = np.sort(logits.entropy(outputs.logits))
        if len(entropies) > self.samples:
            entropies = entropies[np.linspace(0, len(entropies) - 1, self.samples).round().astype(int)]
        spread = min(entropies.std(), np.subtract(*np.percentile(entropies, [75, 25])) / 1.349)
        silverman = 0.9 * spread * len(entropies) ** -0.2
        # Where most entropies are equal, as with a network that is always certain, the rule gives no width at all.
        self.bandwidth_ = float(self.bandwidth or max(silverman, 1e-3 * np.log(outputs.logits.shape[1])))
        self.entropies_ = entropies[:, None]

    def _score(self, outputs: Outputs) -> Array:
        density = KernelDensity(bandwidth=self.bandwidth_).fit(self.entropies_)
        return -density.score_samples(logits.entropy(outputs.logits)[:, None])
