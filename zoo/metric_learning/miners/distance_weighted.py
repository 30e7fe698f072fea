"""Distance-weighted sampling of negatives."""

from typing import Any

import keras
from keras import ops

from zoo.metric_learning.miners.base import Miner
from zoo.metric_learning.pairs import Pairs, Tensor, Triplets, distances


@keras.saving.register_keras_serializable(package="zoo")
class DistanceWeighted(Miner):
    """For each anchor and positive one random negative, all distances alike.

    Random points on a sphere are nearly all at distance sqrt(2), so negatives are drawn with the inverse of the density
    of their distance d in as many dimensions: d^(n-2) (1 - d^2/4)^((n-3)/2).

    Args:
        cutoff: distances below it count as this much, because the nearest negatives have noisy gradients.
        farthest: negatives from this distance on are not drawn; they do not violate any usual margin.
        seed: seeds the draws.

    Reference:
        Wu, Manmatha, Smola, Krähenbühl 2017, "Sampling matters in deep embedding learning".
    """

    def __init__(self, cutoff: float = 0.5, farthest: float = 1.4, seed: int | None = None) -> None:
        if not 0 < cutoff < farthest <= 2:
            raise ValueError(f"0 < cutoff < farthest <= 2 does not hold for {cutoff} and {farthest}")
        self.cutoff, self.farthest, self.seed = cutoff, farthest, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def pick(self, embeddings: Tensor, others: Tensor, candidates: Pairs) -> Triplets:
        """Exactly one negative for each anchor and positive whose anchor has a negative within reach."""
        apart = ops.stop_gradient(distances(embeddings, others))
        negatives = ops.logical_and(candidates.negatives, apart < self.farthest)
        weights = ops.where(negatives, self.log_weights(apart, embeddings.shape[-1]), -1e9)
        fits = ops.logical_and(candidates.positives[:, :, None], negatives[:, None, :])
        # The largest of independent Gumbel variables, each moved by a log weight, is a draw with these weights.
        uniform = keras.random.uniform(ops.shape(fits), minval=1e-7, maxval=1.0, seed=self.seed_generator)
        drawn = ops.argmax(weights[:, None, :] - ops.log(-ops.log(uniform)), axis=2)
        column = ops.arange(ops.shape(apart)[1])[None, None, :]
        return Triplets(ops.logical_and(fits, ops.equal(column, ops.cast(drawn, column.dtype)[:, :, None])))

    def log_weights(self, apart: Tensor, dimension: int) -> Tensor:
        """Logarithm of the inverse density of distances, of any shape, up to a constant."""
        apart = ops.clip(apart, self.cutoff, 1.999)  # at 2 the density is 0
        return -(dimension - 2.0) * ops.log(apart) - (dimension - 3.0) / 2.0 * ops.log(1.0 - apart * apart / 4.0)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {"cutoff": self.cutoff, "farthest": self.farthest, "seed": self.seed}
