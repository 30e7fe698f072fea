"""A filter, or the network beside it, from a seed to its weights."""

from pathlib import Path

import keras
import tensorflow as tf

from zoo.kalman.recipe import Recipe
from zoo.kalman.throws import observe, random_throws
from zoo.runs.data_set import DataSet
from zoo.screen import Report
from zoo.training import History, fit


def fit_model(
    model: keras.Model, recipe: Recipe, *, seed: int, folder: Path, report: Report, name: str, later: int = 0
) -> History:
    """Trains a model from what was seen of throws to their positions, or goes on with its training.

    Args:
        model: from (batch, steps, 3) to (batch, steps, 2).
        recipe: how.
        seed: of throws, gaps and order.
        folder: of this training alone.
        report: takes lines of progress.
        name: what to call it.
        later: epochs of the trainings that follow.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    positions = random_throws(recipe.throws, seed).astype("float32")
    data = DataSet((observe(positions, recipe.missing_rate, seed), positions), batch_size=recipe.batch_size)
    # Measured on the published filter at its start, 250 throws one by one: the median gradient is 1.8 long, the longest
    # 1,217, and ten throws have three quarters of all length; eight of them were not seen at the first step.
    model.compile(keras.optimizers.Adam(recipe.learning_rate, global_clipnorm=1.0), "mean_squared_error")
    return fit(
        model,
        data,
        epochs=recipe.epochs,
        folder=folder,
        report=report,
        seed=seed,
        name=name,
        unit="throws",
        later=later,
        shuffle=False,
    )
