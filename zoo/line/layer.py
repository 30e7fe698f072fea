"""Step 4: as Keras has it: a Dense layer of one unit, the mean squared error, SGD with momentum, `fit`."""

from pathlib import Path

import keras
import numpy as np

from zoo.line.descent import Descent
from zoo.line.gradient import Line
from zoo.line.points import Points
from zoo.runs.data_set import DataSet
from zoo.screen import Report
from zoo.training import History
from zoo.training import fit as fit_model

STEPS_AN_EPOCH = 1_000
"""At most, and all in one call of TensorFlow: between two steps, Python would take longer than the steps."""


def build() -> keras.Model:
    """A line from (batch, 1) to (batch, 1), in float64; both weights begin at 0."""
    inputs = keras.Input((1,), dtype="float64")
    outputs = keras.layers.Dense(1, kernel_initializer="zeros", dtype="float64", name="line")(inputs)
    return keras.Model(inputs, outputs, name="line")


def device_line(line: Line) -> keras.Model:
    """A line as compilers take it: in float32, from a stream (batch, samples, 1) to one like it."""
    inputs = keras.Input((None, 1))
    model = keras.Model(inputs, keras.layers.Dense(1, name="line")(inputs), name="line")
    slope, intercept = line
    model.set_weights([np.array([[slope]]), np.array([intercept])])
    return model


def fit(points: Points, descent: Descent, *, folder: Path, report: Report, name: str = "") -> tuple[Line, History]:
    """The line after all steps of a descent (and those that are missing in the last epoch), and its history."""
    model = build()
    history = train(model, points, descent, folder=folder, report=report, name=name)
    kernel, bias = model.get_weights()
    return (float(kernel[0, 0]), float(bias[0])), history


def train(
    model: keras.Model,
    points: Points,
    descent: Descent,
    *,
    folder: Path,
    report: Report,
    name: str = "",
    members: int = 1,
) -> History:
    """Fits any model of lines.

    Args:
        model: from (batch, 1) to (batch, 1), or to (batch, members, 1).
        points: all are one batch.
        descent: how, and how long.
        folder: of this training alone; it goes on there if it was stopped.
        report: takes lines of progress.
        name: what to call it.
        members: lines in the model. The loss is their mean, so each feels a part of the rate, which makes up for it.
    """
    epochs = -(-descent.steps // STEPS_AN_EPOCH)
    steps = -(-descent.steps // epochs)
    x, y = (np.tile(values, steps)[:, None] for values in (points.x, points.y))
    if members > 1:
        y = np.repeat(y[:, None], members, axis=1)
    model.compile(
        keras.optimizers.SGD(descent.rate * members, momentum=descent.momentum),
        loss=keras.losses.MeanSquaredError(dtype="float64"),  # by default Keras takes losses in float32
        steps_per_execution=steps,
    )
    data = DataSet((x, y), batch_size=len(points.x), shuffle=False)
    return fit_model(model, data, epochs=epochs, folder=folder, report=report, name=name, unit="points")
