"""What is compared."""

from dataclasses import dataclass

from zoo.calibration.recipe import Recipe


@dataclass(frozen=True)
class Plan:
    """What is compared; kept in the folder, so that all its trainings are of one kind.

    Attributes:
        data: the image set.
        losses: out of `METHODS`.
        seeds: how many, from `first_seed`.
        first_seed: the first.
        recipe: how each network is trained.
    """

    data: str
    losses: tuple[str, ...]
    seeds: int
    first_seed: int
    recipe: Recipe

    def trainings(self) -> list[tuple[int, str]]:
        """Seed and loss of each, seed by seed."""
        return [(self.first_seed + n, loss) for n in range(self.seeds) for loss in self.losses]
