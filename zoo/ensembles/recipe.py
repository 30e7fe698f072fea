"""How ensembles are trained. Imports no framework."""

from dataclasses import dataclass

from zoo.recipe import Recipe as SharedRecipe


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """How to train a classifier of several members: Adam, its rate falling along a cosine to 0.

    Attributes:
        members: M; 1 for a single network, the baseline.
        learn: as `LogitEnsemble`.
    """

    epochs: int = 8
    batch_size: int = 128
    learning_rate: float = 2e-3
    members: int = 5
    learn: str = "sum"


@dataclass(frozen=True)
class WeakRecipe(SharedRecipe):
    """How to train on pseudo pairs: Adam at a constant rate; a batch is made of pairs.

    Attributes:
        members: of the random ensemble that finds the pairs.
        unlabelled: how many training images, their labels unused.
        temperature: of the softmax over pairs.
        dimensions: of the embedding.
    """

    epochs: int = 8
    batch_size: int = 128
    learning_rate: float = 1e-3
    members: int = 10
    unlabelled: int = 10_000
    temperature: float = 0.2
    dimensions: int = 64
