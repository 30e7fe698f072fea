"""Step 5: several lines as one model: they begin at different places, and must all end at the same."""

from pathlib import Path

import keras

from zoo.ensembles.stacked import Stacked
from zoo.line.descent import Descent
from zoo.line.gradient import Line
from zoo.line.layer import train
from zoo.line.points import Points
from zoo.screen import Report
from zoo.training import History


def build(members: int, *, seed: int) -> keras.Model:
    """Lines from (batch, 1) to (batch, members, 1), whose slopes begin at normal random numbers."""
    one = keras.Input((1,), dtype="float64")
    normal = keras.initializers.RandomNormal(stddev=1.0, seed=0)
    member = keras.Model(one, keras.layers.Dense(1, kernel_initializer=normal, dtype="float64")(one))
    inputs = keras.Input((1,), dtype="float64")
    outputs = Stacked(member, members, seed=seed, dtype="float64", name="lines")(inputs)
    return keras.Model(inputs, outputs, name="lines")


def fit(
    points: Points, descent: Descent, *, members: int, seed: int, folder: Path, report: Report, name: str = ""
) -> tuple[list[Line], History]:
    """Every member's line after all steps of a descent, and the history of their mean loss."""
    model = build(members, seed=seed)
    history = train(model, points, descent, folder=folder, report=report, name=name, members=members)
    kernels, biases = model.get_weights()  # (members, 1, 1) and (members, 1)
    return list(zip(kernels.ravel().tolist(), biases.ravel().tolist(), strict=True)), history
