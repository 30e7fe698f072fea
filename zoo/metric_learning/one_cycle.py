"""A learning rate that rises and falls once."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """From 0 up to a peak along a line, and down to 0 again along another.

    Args:
        peak: the highest rate.
        steps: of the whole training, at least 2; beyond them the rate is 0.
        warm_up: share of the steps on the way up, between 0 and 1.

    Reference:
        Smith, Topin 2019, "Super-convergence".
    """

    def __init__(self, peak: float, steps: int, warm_up: float = 0.2) -> None:
        if steps < 2 or not 0 < warm_up < 1:
            raise ValueError(f"{steps} steps, {warm_up} of them on the way up, make no cycle")
        self.peak, self.steps, self.warm_up = peak, steps, warm_up

    def __call__(self, step: Any) -> Any:
        """The rate at a step, counted from 0."""
        done = ops.cast(step, "float32") / self.steps
        return self.peak * ops.clip(ops.minimum(done / self.warm_up, (1.0 - done) / (1.0 - self.warm_up)), 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {"peak": self.peak, "steps": self.steps, "warm_up": self.warm_up}
