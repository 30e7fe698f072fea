"""All detectors by name, and how they come back from a file."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from zoo.archives import read_arrays
from zoo.ood.detectors.ash import Ash
from zoo.ood.detectors.base import Detector
from zoo.ood.detectors.confidence import Energy, Entropy, MaxLogit, MaxSoftmax
from zoo.ood.detectors.ensemble import EnsembleDisagreement
from zoo.ood.detectors.entropy_density import EntropyDensity
from zoo.ood.detectors.mahalanobis import Mahalanobis
from zoo.ood.detectors.nearest_neighbours import KNearestNeighbours
from zoo.ood.detectors.odin import Odin
from zoo.ood.detectors.react import React
from zoo.ood.detectors.vim import Vim

DETECTORS: dict[str, Callable[[], Detector]] = {
    "entropy": Entropy,
    "entropy_density": EntropyDensity,
    "max_softmax": MaxSoftmax,
    "max_logit": MaxLogit,
    "energy": Energy,
    "odin": Odin,
    "mahalanobis": Mahalanobis,
    "knn": KNearestNeighbours,
    "vim": Vim,
    "react": React,
    "ash_s": partial(Ash, "s"),
    "ash_b": partial(Ash, "b"),
    "ensemble": EnsembleDisagreement,
}
"""Every detector, by name; each is made without arguments."""

_KINDS = {kind.__name__: kind for kind in (getattr(one, "func", one) for one in DETECTORS.values())}


def load(path: Path | str, model: Any = None) -> Detector:
    """A detector from a file that `Detector.save` wrote.

    Args:
        path: the file.
        model: the classifier that the detector was fitted to, as `Detector.fit` takes it; without one, the detector
            has `score_outputs` but no `score`.

    Raises:
        ValueError: not such a file.
    """
    try:
        learnt = read_arrays(path)
        about = json.loads(learnt.pop("about").item())
        detector = _KINDS[about["detector"]](**about["arguments"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no detector ({error})") from error
    return detector._restore(learnt, model)
