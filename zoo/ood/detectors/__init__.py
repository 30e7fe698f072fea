"""Detectors of outliers, all with one interface: see `Detector`, and `DETECTORS` for all of them by name."""

from zoo.ood.detectors.ash import Ash
from zoo.ood.detectors.base import Detector
from zoo.ood.detectors.confidence import Energy, Entropy, MaxLogit, MaxSoftmax
from zoo.ood.detectors.ensemble import EnsembleDisagreement
from zoo.ood.detectors.entropy_density import EntropyDensity
from zoo.ood.detectors.mahalanobis import Mahalanobis
from zoo.ood.detectors.nearest_neighbours import KNearestNeighbours
from zoo.ood.detectors.odin import Odin
from zoo.ood.detectors.react import React
from zoo.ood.detectors.table import DETECTORS, load
from zoo.ood.detectors.vim import Vim

__all__ = [
    "Ash",
    "DETECTORS",
    "Detector",
    "Energy",
    "EnsembleDisagreement",
    "Entropy",
    "EntropyDensity",
    "KNearestNeighbours",
    "Mahalanobis",
    "MaxLogit",
    "MaxSoftmax",
    "Odin",
    "React",
    "Vim",
    "load",
]
