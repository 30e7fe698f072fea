"""Losses over pairs of embeddings and over proxies of classes, all with one convention: see `MetricLoss`."""

from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.losses.cross_batch_memory import CrossBatchMemory
from zoo.metric_learning.losses.embedding_queue import EmbeddingQueue
from zoo.metric_learning.losses.multi_similarity import MultiSimilarity
from zoo.metric_learning.losses.normalized_softmax import NormalizedSoftmax
from zoo.metric_learning.losses.pair_softmax import PairSoftmax
from zoo.metric_learning.losses.proxies import Proxies
from zoo.metric_learning.losses.proxy_anchor import ProxyAnchor
from zoo.metric_learning.losses.proxy_loss import ProxyLoss
from zoo.metric_learning.losses.supcon import SupCon
from zoo.metric_learning.losses.triplet import Triplet

__all__ = [
    "CrossBatchMemory",
    "EmbeddingQueue",
    "MetricLoss",
    "MultiSimilarity",
    "NormalizedSoftmax",
    "PairSoftmax",
    "Proxies",
    "ProxyAnchor",
    "ProxyLoss",
    "SupCon",
    "Triplet",
]
