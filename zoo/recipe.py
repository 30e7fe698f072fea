"""What the recipes of all systems share: how long and how to train. Imports no framework."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Recipe:
    """How long and how to train.

    Attributes:
        epochs: how many.
        batch_size: samples in a batch.
        learning_rate: of the optimizer; where it changes in training, its highest.
        precision: policy of the layers, out of `precisions`.
        precisions: what a system's networks can be trained in.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-3
    precision: str = "float32"
    precisions: ClassVar[tuple[str, ...]] = ("float32",)

    def __post_init__(self) -> None:
        """Refuses what no training can follow.

        Raises:
            ValueError: no epochs, empty batches, a rate that is not above 0, or a precision that there is not.
        """
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name.replace('_', ' ')} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"the learning rate must be above 0, not {self.learning_rate}")
        if self.precision not in self.precisions:
            raise ValueError(
                f"the precision is {' or '.join(filter(None, self.precisions))} here, not {self.precision}"
            )

    def changed(self, **given: Any) -> Self:
        """The same with other values for what is given; None leaves a value as it is."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})
