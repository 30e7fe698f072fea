"""What losses against trained class proxies share."""

from typing import Any

from keras import ops

from zoo.metric_learning.losses.base import MetricLoss
from zoo.metric_learning.losses.proxies import Proxies
from zoo.metric_learning.pairs import Mined, Reference, Tensor, class_numbers


class ProxyLoss(MetricLoss):
    """A loss that compares embeddings with one trained vector for each class instead of with each other.

    The vectors are the weight of `state`, a layer: `EmbeddingModel.compile` adds it to the model, and only then does
    an optimizer train it (see `MetricLoss`).

    Args:
        classes: how many; labels are 0 to classes - 1.
        dimension: of an embedding.
        seed: seeds the proxies' initial directions; None takes them from Keras' global seed.
        **kwargs: `reduction`, `name` and `dtype` of `MetricLoss`. There are no pairs, so there is nothing to mine.
    """

    def __init__(self, classes: int, dimension: int, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.miner is not None:
            raise ValueError("every embedding is compared with every proxy, so there is nothing for a miner to do")
        self.state = Proxies(classes, dimension, seed=seed, dtype="float32", name="proxies")

    def on(
        self, labels: Tensor, embeddings: Tensor, mined: Mined | None = None, reference: Reference | None = None
    ) -> Tensor:
        """Value of each embedding, (batch,), for labels (batch,) and embeddings (batch, dimension).

        Raises:
            ValueError: mined pairs or a reference; the proxies are what there is to compare with.
        """
        if mined is not None or reference is not None:
            raise ValueError(f"{type(self).__name__} compares with its proxies alone: no mined pairs and no reference")
        own = ops.one_hot(class_numbers(labels), self.state.classes, dtype="bool")
        return self.of_cosines(own, self.state(embeddings))

    def of_cosines(self, own: Tensor, cosines: Tensor) -> Tensor:
        """Value of each embedding, (batch,), from cosines (batch, classes) and which of them are its own class's."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        config = super().get_config()
        del config["miner"]
        state = {"classes": self.state.classes, "dimension": self.state.dimension, "seed": self.state.seed}
        return {**config, **state}
