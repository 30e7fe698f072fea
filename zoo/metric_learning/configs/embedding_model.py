"""A residual embedding network with a loss of one's choice: a model configuration.

--set 'loss="proxy_anchor"' and so on; memory > 0 adds a cross-batch memory to a loss over pairs.
"""

from types import SimpleNamespace

import keras

from zoo.metric_learning.embedding_model import EmbeddingModel
from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.losses.cross_batch_memory import CrossBatchMemory
from zoo.metric_learning.losses.multi_similarity import MultiSimilarity
from zoo.metric_learning.losses.normalized_softmax import NormalizedSoftmax
from zoo.metric_learning.losses.proxy_anchor import ProxyAnchor
from zoo.metric_learning.losses.supcon import SupCon
from zoo.metric_learning.losses.triplet import Triplet
from zoo.metric_learning.metrics.retrieval import RecallAtK
from zoo.metric_learning.miners.batch_hard import BatchHard
from zoo.metric_learning.miners.multi_similarity import MultiSimilarityMiner
from zoo.metric_learning.networks import residual
from zoo.runs import DataSet

FLAGS = {
    "loss": "supcon",
    "memory": 0,
    "dimension": 64,
    "widths": [16, 32, 64, 128, 128],
    "learning_rate": 0.003,
}


def load(flags: SimpleNamespace, data: DataSet) -> keras.Model:
    """Compiled, for images as large and classes as many as the data have."""
    network = residual(data.train.images.shape[1:], flags.dimension, widths=tuple(flags.widths), seed=flags.seed)
    model = EmbeddingModel(network.input, network.output)
    loss = choose(flags.loss, len(data.train.members), flags)
    if flags.memory:
        loss = CrossBatchMemory(loss, flags.dimension, flags.memory)
    model.compile(keras.optimizers.AdamW(flags.learning_rate), loss, metrics=[RecallAtK(1)])
    return model


def choose(name: str, classes: int, flags: SimpleNamespace) -> MetricLoss:
    """The loss of this name, with the miner that it usually comes with."""
    match name:
        case "supcon":
            return SupCon()
        case "triplet":
            return Triplet("soft", miner=BatchHard())
        case "multi_similarity":
            return MultiSimilarity(miner=MultiSimilarityMiner())
        case "proxy_anchor":
            return ProxyAnchor(classes, flags.dimension, seed=flags.seed)
        case "normalized_softmax":
            return NormalizedSoftmax(classes, flags.dimension, temperature=0.1, seed=flags.seed)
    raise ValueError(
        f"no loss is called {name!r}; there are supcon, triplet, multi_similarity, proxy_anchor, normalized_softmax"
    )
