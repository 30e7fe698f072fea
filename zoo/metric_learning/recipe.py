"""Recipes: how a network is trained. Imports no framework, so that the command line can say what there is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How long, and on what kind of batches.

    Attributes:
        name: what `--recipe` calls it.
        epochs: how many.
        batches: batches in an epoch; None for as many as the images suffice for.
        m: images of each class in a batch.
        learning_rate: of the optimizer; with a cycle, its peak.
        precision: policy of the convolutional layers; None for what is fastest on this processor.
    """

    name: str
    epochs: int
    batches: int | None
    m: int
    learning_rate: float
    precision: str | None = None


PUBLISHED = Recipe("published", epochs=20, batches=1000, m=2, learning_rate=1e-3, precision="float32")
"""The keras.io example: its network, one (anchor, positive) pair of each class in a batch, softmax over the pairs with
temperature 0.2, Adam with a constant rate."""

BEST = Recipe("best", epochs=14, batches=None, m=13, learning_rate=0.1)
"""The best we know for five minutes on two cores that have instructions for bfloat16, or twelve on others: a residual
network, normalised softmax over class proxies, SGD with Nesterov momentum and a one-cycle rate; mirrored random crops,
in the first 5/7 of the epochs of three quarters of the images' height and width, which takes little more than half the
time, and of full size after that."""

RECIPES = {recipe.name: recipe for recipe in (PUBLISHED, BEST)}
"""Every recipe by name."""
