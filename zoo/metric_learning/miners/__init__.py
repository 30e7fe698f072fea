"""Miners: which pairs or triplets of a batch a loss looks at."""

from zoo.metric_learning.miners.base import Miner
from zoo.metric_learning.miners.batch_hard import BatchHard
from zoo.metric_learning.miners.distance_weighted import DistanceWeighted
from zoo.metric_learning.miners.multi_similarity import MultiSimilarityMiner
from zoo.metric_learning.miners.semi_hard import SemiHard

__all__ = ["BatchHard", "DistanceWeighted", "Miner", "MultiSimilarityMiner", "SemiHard"]
