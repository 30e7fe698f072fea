"""How classifiers are trained where none are given. Imports no framework."""

from dataclasses import dataclass

from zoo.recipe import Recipe as SharedRecipe


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """How to train small residual networks: AdamW, its rate rising over a tenth of all steps, then falling to 0.

    Attributes:
        members: how many classifiers; several are an ensemble.
        shift: greatest shift of a training image in pixels.
        flip: whether training images are mirrored.
    """

    batch_size: int = 128
    learning_rate: float = 3e-3
    members: int = 2
    shift: int = 4
    flip: bool = True


RECIPES = {"cifar10": Recipe(epochs=6), "digits": Recipe(epochs=12, shift=1, flip=False)}
"""By image set: about three minutes and fifteen seconds a classifier."""
