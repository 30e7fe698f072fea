"""How the networks are trained and searched. Imports no framework."""

from dataclasses import dataclass

from zoo.recipe import Recipe as SharedRecipe


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """Adam on the cross entropy, with whole channels dropped.

    Attributes:
        dropout: rate with which a channel is dropped in training.
        filters: of each convolution.
        seeds: trainings, and runs of each search.
        evaluations: of each search.
        population: of the genetic searches.
        judged: images of the search's split by which a choice is judged.
        tuning: epochs in which a pruned network is fine-tuned.
    """

    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 0.003
    dropout: float = 0.5
    filters: int = 16
    seeds: int = 3
    evaluations: int = 2_000
    population: int = 40
    judged: int = 1_000
    tuning: int = 10

    def __post_init__(self) -> None:
        """Refuses what no training or search can follow.

        Raises:
            ValueError: as `zoo.recipe.Recipe`; a rate that is none, a population of one, or nothing to do.
        """
        super().__post_init__()
        for name in ("filters", "seeds", "evaluations", "judged", "tuning"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.population < 2:
            raise ValueError(f"a population of {self.population} has nobody to cross with: it must be at least 2")
        if self.evaluations < self.population:
            raise ValueError(f"{self.evaluations} evaluations are fewer than a population of {self.population}")
        if not 0.0 < self.dropout < 1.0:
            raise ValueError(f"the dropout must be between 0 and 1, not {self.dropout}")
