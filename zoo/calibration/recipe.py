"""How long and how to train, and what is compared. Imports no framework."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Self

from zoo.recipe import Recipe as SharedRecipe


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """How long and how to train: stochastic gradient descent with Nesterov's momentum, decoupled weight decay.

    Attributes:
        epochs: how many at most.
        precision: policy of all layers; sums, weights and logits are float32 in any case. "mixed_bfloat16" is for
            processors and accelerators that have instructions for it; all others imitate it, many times slower.
        network: out of `zoo.calibration.training.NETWORKS`.
        schedule: "plateau": the rate is divided by five when the validation loss has not fallen for `patience` epochs,
            and training ends when it has not for twice as many and one; "one_cycle": the rate rises over the first
            fifth of all steps and then falls along a cosine, for when there is time for a few epochs only, and training
            ends early after `patience` epochs without progress. Both keep the best weights.
        decay: share of a weight that a step at rate 1 takes away. Offsets and normalisation are left alone.
        patience: epochs, as above.
        shift: greatest shift of a training image in pixels.
        flip: whether training images are mirrored.
    """

    epochs: int = 120
    batch_size: int = 128
    learning_rate: float = 0.1
    precisions: ClassVar[tuple[str, ...]] = ("float32", "mixed_bfloat16")
    network: Literal["small", "resnet18"] = "small"
    schedule: Literal["plateau", "one_cycle"] = "plateau"
    decay: float = 5e-3
    patience: int = 5
    shift: int = 4
    flip: bool = True


RECIPES = {
    ("cifar10", "small"): Recipe(schedule="one_cycle", epochs=4, learning_rate=0.2, patience=3),
    ("cifar10", "resnet18"): Recipe(network="resnet18", precision="mixed_bfloat16"),
    ("digits", "small"): Recipe(schedule="one_cycle", epochs=12, batch_size=64, shift=1, flip=False),
    ("digits", "resnet18"): Recipe(network="resnet18", epochs=30, shift=1, flip=False),
}
"""By image set and network. The small one is for two cores, and takes as long as there is."""


@dataclass(frozen=True)
class Plan:
    """What is compared; kept in the folder, so that all its trainings are of one kind.

    Attributes:
        data: the image set.
        losses: out of `zoo.calibration.methods.METHODS`.
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

    def as_json(self) -> dict[str, Any]:
        """JSON types, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Self:
        """A plan out of what `as_json` gave, or gave when the learning rate was called `rate`.

        Raises:
            ValueError, KeyError, TypeError: something else.
        """
        recipe = dict(held["recipe"])
        if "rate" in recipe:
            recipe["learning_rate"] = recipe.pop("rate")
        return cls(**{**held, "losses": tuple(held["losses"]), "recipe": Recipe(**recipe)})
