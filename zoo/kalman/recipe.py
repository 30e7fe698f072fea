"""How the filters are trained and measured. Imports no framework."""

from dataclasses import dataclass

from zoo.recipe import Recipe as SharedRecipe


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """Adam on the squared error of random throws, some of whose observations are missing.

    Attributes:
        throws: to train on.
        missing_rate: of observations, in training.
        seeds: how many trainings of each filter, with other throws and other gaps.
        units: of the GRU that is trained equally long.
        steps: of each training of which every step is written down.
    """

    epochs: int = 60
    batch_size: int = 50
    learning_rate: float = 0.03
    throws: int = 250
    missing_rate: float = 0.1
    seeds: int = 3
    units: int = 16
    steps: int = 250

    def __post_init__(self) -> None:
        """Refuses what no training can follow.

        Raises:
            ValueError: as `zoo.recipe.Recipe`; a missing rate outside 0 to 1, a batch that is larger than the set, or
                nothing to train.
        """
        super().__post_init__()
        for name in ("throws", "seeds", "units", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0.0 <= self.missing_rate <= 1.0:
            raise ValueError(f"the missing rate must be from 0 to 1, not {self.missing_rate}")
        if self.batch_size > self.throws:
            raise ValueError(f"a batch of {self.batch_size} is larger than the set of {self.throws} throws")
