"""Retrieval metrics, streaming: how good the neighbours of an embedding are."""

from zoo.metric_learning.metrics.base import RetrievalMetric
from zoo.metric_learning.metrics.retrieval import MeanAveragePrecisionAtR, PrecisionAtK, RecallAtK, RPrecision

__all__ = ["MeanAveragePrecisionAtR", "PrecisionAtK", "RPrecision", "RecallAtK", "RetrievalMetric"]
