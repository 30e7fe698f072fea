"""How the batches are trained with, and which rates are tried. Imports no framework."""

from dataclasses import dataclass

from zoo.recipe import Recipe as SharedRecipe

RATES = {"SGD with momentum": (0.03, 0.1, 0.3), "Adam": (0.001, 0.003, 0.01), "Lamb": (0.003, 0.01, 0.03)}
"""What each optimizer's rate is chosen from, by the accuracy of the first seed."""


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """Every optimizer with every batch, for equal epochs and for equal steps.

    Attributes:
        batch_size: the smallest batch.
        middle: the one between it and the whole set.
        steps: of the trainings of equal steps.
        warm_up: share of the steps in which the rate rises to its full height.
        units: of each of two hidden layers.
        seeds: trainings with the rate that was chosen.
    """

    epochs: int = 3
    batch_size: int = 64
    learning_rate: float = 1.0
    middle: int = 1_024
    steps: int = 100
    warm_up: float = 0.1
    units: int = 64
    seeds: int = 3

    def __post_init__(self) -> None:
        """Refuses what no training can follow.

        Raises:
            ValueError: as `zoo.recipe.Recipe`; nothing to train, or a warm-up that is no share.
        """
        super().__post_init__()
        for name in ("middle", "steps", "units", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0.0 <= self.warm_up < 1.0:
            raise ValueError(f"the warm-up must be a share from 0 to below 1, not {self.warm_up}")
