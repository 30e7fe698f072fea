"""Retrieval metrics, streaming: how good the neighbours of an embedding are."""

from zoo.metric_learning.metrics.base import RetrievalMetric
from zoo.metric_learning.metrics.map_at_r import MeanAveragePrecisionAtR
from zoo.metric_learning.metrics.precision_at_k import PrecisionAtK
from zoo.metric_learning.metrics.r_precision import RPrecision
from zoo.metric_learning.metrics.recall_at_k import RecallAtK

__all__ = ["MeanAveragePrecisionAtR", "PrecisionAtK", "RPrecision", "RecallAtK", "RetrievalMetric"]
