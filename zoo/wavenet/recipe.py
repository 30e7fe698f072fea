"""How the two networks are trained. Imports no framework."""

from dataclasses import dataclass

from zoo.recipe import Recipe as SharedRecipe


@dataclass(frozen=True)
class Recipe(SharedRecipe):
    """How long and how to train, beside what every recipe has; a batch is made of waves.

    The rate of Adam reaches its highest after a twentieth of the training, and falls along a cosine to 0.

    Attributes:
        batches: in an epoch.
        samples: in a wave.
    """

    epochs: int = 20
    batch_size: int = 8
    learning_rate: float = 1e-2
    batches: int = 300
    samples: int = 1024

    def warm_up(self) -> tuple[int, int]:
        """Steps on the way up, and steps on the way down."""
        steps = self.epochs * self.batches
        rising = max(1, steps // 20)
        return rising, steps - rising


RECIPE = Recipe()
"""For the float network."""

QUANTIZED_RECIPE = Recipe(batches=400, samples=512, learning_rate=2e-2)
"""For the quantized network: shorter waves suffice for its receptive field of 64, so there is time for more steps."""
