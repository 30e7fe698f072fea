"""How far off every filter is, beside what can be had without one. Numpy only."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from zoo.kalman import baselines, reference
from zoo.kalman.throws import grid_of_throws, held_out, least_error, observe
from zoo.tables import aligned, mean_and_spread

Array = np.ndarray
Predict = Callable[[Array], Array]
"""From what was seen, (throws, steps, 3), to what was expected, (throws, steps, 2)."""

RATE = 0.1
RATES = tuple(round(0.1 * step, 1) for step in range(10))


def errors(predict: Predict, missing_rate: float, masks: int, side: int = 40) -> Array:
    """Mean squared error of a coordinate over the grid of throws, for each of several sets of gaps: (masks,)."""
    positions = grid_of_throws(side)
    found = []
    for index in range(masks):
        off = predict(observe(positions, missing_rate, held_out(index))) - positions
        found.append(np.mean(np.square(off, dtype=np.float64)))
    return np.array(found)


def table(rows: Mapping[str, Sequence[Predict]], masks: int = 3) -> str:
    """A row for each predictor, baselines last: mean error over trainings and gaps, and its deviation.

    Args:
        rows: by name, one predictor for each training.
        masks: sets of gaps.
    """
    for name, weigh in baselines.BASELINES.items():
        rows = {**rows, name: [lambda inputs, weigh=weigh: baselines.predict(weigh, inputs)]}
    lines = [[f"squared error, {RATE:.0%} missing", "mean +- deviation"]]
    for name, predictors in rows.items():
        found = np.concatenate([errors(predict, RATE, masks) for predict in predictors])
        lines.append([name, mean_and_spread(found.mean(), found.std(), 3)])
    lines.append(["no predictor is below", f"{least_error(RATE, grid_of_throws()):.3f}"])
    return aligned(lines)


def table_by_rate(rows: Mapping[str, reference.Numbers], masks: int = 100, side: int = 40) -> str:
    """A row for each share of observations that is missing, a column for each filter: over many sets of gaps."""
    lines = [["missing", *rows, "no predictor is below"]]
    for rate in RATES:
        cells = []
        for numbers in rows.values():
            found = errors(lambda inputs, numbers=numbers: reference.predict(numbers, inputs), rate, masks, side)
            cells.append(mean_and_spread(found.mean(), found.std(), 2))
        lines.append([f"{rate:.1f}", *cells, f"{least_error(rate, grid_of_throws(side)):.2f}"])
    return aligned(lines)


def parameter_table(rows: Mapping[str, reference.Numbers]) -> str:
    """What every filter is made of, where it is made of scalars."""
    lines = [["parameters", "time step", "acceleration noise", "x noise", "y noise", "acceleration", "start", "spread"]]
    for name, numbers in rows.items():
        step = numbers.transition[0, 2]
        accelerations = numbers.push[2:] / step
        lines.append(
            [
                name,
                f"{step:.2f}",
                f"{np.sqrt(numbers.process[2, 2]) / step:.3f}",
                *(f"{value:.3f}" for value in np.sqrt(np.diag(numbers.measurement))),
                " ".join(f"{value:.2f}" for value in accelerations),
                " ".join(f"{value:.2f}" for value in numbers.start_mean),
                " ".join(f"{value:.2f}" for value in np.sqrt(np.diag(numbers.start_covariance))),
            ]
        )
    return aligned(lines)
