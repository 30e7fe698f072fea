"""The quantized network, from a seed to its weights: what `zoo.training` does for Keras 3, for tf_keras."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.progress import Progress
from zoo.runs.training import Keeper, last_state
from zoo.screen import Report
from zoo.training import History, rows_of
from zoo.wavenet.batches import WaveBatches, held_out_batches
from zoo.wavenet.quantized.legacy import LegacyErrorDecibels, LegacySettledMeanSquaredError
from zoo.wavenet.quantized.legacy_keras import tf_keras
from zoo.wavenet.quantized.model import DILATIONS, KERNEL_SIZE, build_quantized, discourage_saturation
from zoo.wavenet.recipe import Recipe
from zoo.wavenet.start import pass_through
from zoo.wavenet.training import STEPS_PER_EXECUTION, begin
from zoo.wavenet.waves import FIXED_POINT, receptive_field

RECEPTIVE_FIELD = receptive_field(KERNEL_SIZE, DILATIONS)


def fit_quantized(recipe: Recipe, *, seed: int, folder: Path, report: Report) -> tuple[tf_keras.Model, History]:
    """Trains the quantized network, or goes on with its training.

    Args and returns as `zoo.wavenet.training.fit_network`.
    """
    begin(seed)
    waves = WaveBatches(seed, FIXED_POINT, recipe.batch_size, recipe.samples, recipe.batches)
    inputs, targets = waves.whole_epoch()
    model = build_quantized(seed=seed)
    pass_through(model)
    discourage_saturation(model)
    rising, falling = recipe.warm_up()
    rate = tf_keras.optimizers.schedules.CosineDecay(
        0.0, falling, warmup_target=recipe.learning_rate, warmup_steps=rising
    )
    model.compile(
        tf_keras.optimizers.Adam(rate),
        loss=LegacySettledMeanSquaredError(RECEPTIVE_FIELD),
        metrics=[LegacyErrorDecibels(RECEPTIVE_FIELD)],
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    folder.mkdir(parents=True, exist_ok=True)
    identity = {"seed": seed, "batches": recipe.batches, "first_batch": zlib.crc32(inputs[: recipe.batch_size])}
    stored = last_state(folder, report)
    if stored and stored["identity"] != identity:
        raise ValueError(f"{folder} holds a training on other waves; delete it to begin again")
    keeper = Keeper(folder, stored=stored, identity=identity, monitor="val_loss")
    if stored:
        report(f"{folder}: continuing after epoch {stored['epoch']}")
    progress = Progress(report, epochs=recipe.epochs, batches=recipe.batches, samples=len(inputs), unit="waves")
    model.fit(
        inputs,
        targets,
        batch_size=recipe.batch_size,
        validation_data=held_out_batches(FIXED_POINT).batch(0, 0),
        initial_epoch=stored["epoch"] if stored else 0,
        epochs=recipe.epochs,
        shuffle=False,  # every batch keeps its share of each corner
        verbose=0,
        callbacks=[Checkpoint(keeper), progress.callback(tf_keras.callbacks.LambdaCallback)],
    )
    return model, rows_of(keeper.columns())


class Checkpoint(tf_keras.callbacks.Callback):
    """Restores what is stored when a training begins, and stores everything after each epoch.

    Weights and the optimizer's variables are all that a training of this network depends on: nothing in it is random.

    Args:
        keeper: of the training's folder.
    """

    def __init__(self, keeper: Keeper) -> None:
        super().__init__()
        self.keeper = keeper

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores."""
        self.model.optimizer.build(self.model.trainable_variables)
        if self.keeper.stored:
            for variable, value in zip(self._variables(), self.keeper.stored["variables"], strict=True):
                variable.assign(value)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the time."""
        self.keeper.begin()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stores everything."""
        variables = [np.asarray(variable.numpy()) for variable in self._variables()]
        self.keeper.keep(epoch, logs or {}, stopped=False, variables=variables)

    def _variables(self) -> list[tf.Variable]:
        return [*self.model.weights, *self.model.optimizer.variables]
