"""What the lines are fitted to, and on what. Imports no framework."""

from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class Recipe:
    """How many of everything. How long and how fast follows from the points: `zoo.line.descent`.

    Attributes:
        points: in the only batch.
        noise: deviation of y from the line, times that of x.
        devices: among which the parallel line shares the points.
        members: lines in the ensemble.
    """

    points: int = 64
    noise: float = 0.1
    devices: int = 4
    members: int = 5

    def __post_init__(self) -> None:
        """Refuses what no line can be fitted to.

        Raises:
            ValueError: fewer than two points or lines, more devices than points, or noise below 0.
        """
        for name in ("points", "members"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} must be at least 2, not {getattr(self, name)}")
        if not 1 <= self.devices <= self.points:
            raise ValueError(f"{self.devices} devices cannot share {self.points} points: each needs one at least")
        if not 0 <= self.noise < float("inf"):
            raise ValueError(f"the noise must be 0 or above, not {self.noise}")

    def changed(self, **given: Any) -> Self:
        """The same with other values for what is given; None leaves a value as it is."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})
