"""How a network is trained. Imports no framework, so that the command line can say what there is."""

from dataclasses import dataclass
from typing import ClassVar

from zoo.recipe import Recipe as SharedRecipe


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """How long, and on what kind of batches, beside what every recipe has.

    Attributes:
        name: what `--recipe` calls it.
        batch_size: images in a batch, as many of each class.
        batches: batches in an epoch; None for as many as the images suffice for.
        precision: policy of the convolutional layers; None for what is fastest on this processor.
    """

    name: str = ""
    batches: int | None = None
    precision: str | None = "float32"
    precisions: ClassVar[tuple[str | None, ...]] = ("float32", "mixed_bfloat16", None)

    def __post_init__(self) -> None:
        """Refuses what no training can follow.

        Raises:
            ValueError: as every recipe; or another precision than float32 for the published network.
        """
        super().__post_init__()
        if self.name == "published" and self.precision != "float32":
            raise ValueError("--precision goes with --recipe best: the published network is trained in float32")

    def of_each(self, classes: int) -> int:
        """Images of each class in a batch.

        Raises:
            ValueError: a batch that does not hold as many of each.
        """
        count, left_over = divmod(self.batch_size, classes)
        if left_over or not count:
            raise ValueError(f"a batch of {self.batch_size} images does not hold as many of each of {classes} classes")
        return count


PUBLISHED = Recipe(name="published", epochs=20, batches=1000, batch_size=20, learning_rate=1e-3)
"""The keras.io example: its network, one (anchor, positive) pair of each class in a batch, softmax over the pairs with
temperature 0.2, Adam with a constant rate."""

BEST = Recipe(name="best", epochs=14, batch_size=130, learning_rate=0.1, precision=None)
"""The best we know for five minutes on two cores that have instructions for bfloat16, or twelve on others: a residual
network, normalised softmax over class proxies, SGD with Nesterov momentum and a one-cycle rate; mirrored random crops,
in the first 5/7 of the epochs of three quarters of the images' height and width, which takes little more than half the
time, and of full size after that."""

RECIPES = {recipe.name: recipe for recipe in (PUBLISHED, BEST)}
"""Every recipe by name."""
