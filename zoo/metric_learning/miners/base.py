"""What every miner shares."""

from typing import Any

import keras

from zoo.metric_learning.pairs import Mined, Pairs, Reference, Tensor, all_pairs, class_numbers


@keras.saving.register_keras_serializable(package="zoo")
class Miner:
    """Picks the pairs of a batch that a loss looks at. This one picks all of them.

    `miner(labels, embeddings, reference=None, candidates=None)` gives masks that a loss takes as `mined`; a loss that
    is made with `miner=` calls it by itself. Mining has no gradient of its own.
    """

    def __call__(
        self, labels: Tensor, embeddings: Tensor, reference: Reference | None = None, candidates: Pairs | None = None
    ) -> Mined:
        """The pairs or triplets that were picked.

        Args:
            labels: (batch,) class numbers.
            embeddings: (batch, dimension), the anchors.
            reference: labels and embeddings to pair them with; None for the batch itself, without self-pairs.
            candidates: the pairs to pick from; None for all.

        Returns:
            Masks of shape (batch, references), or of triplets.
        """
        labels = class_numbers(labels)
        if candidates is None:
            candidates = all_pairs(labels, None if reference is None else reference[0])
        return self.pick(embeddings, embeddings if reference is None else reference[1], candidates)

    def pick(self, embeddings: Tensor, others: Tensor, candidates: Pairs) -> Mined:
        """Some of the candidates; a subclass's maths."""
        return candidates

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Miner":
        """A miner as `get_config` describes it."""
        return cls(**config)
