"""The float network, from a seed to its weights."""

import contextlib
from pathlib import Path

import keras
import tensorflow as tf

from zoo.runs.data_set import DataSet
from zoo.screen import Report
from zoo.training import History, fit
from zoo.wavenet.batches import WaveBatches, held_out_batches
from zoo.wavenet.losses import SettledMeanSquaredError
from zoo.wavenet.metrics import ErrorDecibels
from zoo.wavenet.model import DILATIONS, KERNEL_SIZE, build
from zoo.wavenet.recipe import Recipe
from zoo.wavenet.start import pass_through
from zoo.wavenet.waves import receptive_field

RECEPTIVE_FIELD = receptive_field(KERNEL_SIZE, DILATIONS)
STEPS_PER_EXECUTION = 20
"""Steps between two returns to Python, which take as long as a fifth of a step each."""


def fit_network(recipe: Recipe, *, seed: int, folder: Path, report: Report) -> tuple[keras.Model, History]:
    """Trains the float network, or goes on with its training.

    Args:
        recipe: how.
        seed: seeds weights and waves.
        folder: of this training alone.
        report: takes lines of progress.

    Returns:
        The network with its weights, compiled, and loss and metrics by epoch.
    """
    begin(seed)
    # One epoch of waves, kept: a Python call between every two steps would take longer than the step, and 465 weights
    # cannot learn thousands of waves by heart.
    waves = WaveBatches(seed, batch_size=recipe.batch_size, samples=recipe.samples, batches=recipe.batches)
    data = DataSet(
        waves.whole_epoch(),
        validation=held_out_batches().batch(0, 0),
        batch_size=recipe.batch_size,
        shuffle=False,  # every batch keeps its share of each corner
    )
    model = build(seed=seed)
    pass_through(model)
    rising, falling = recipe.warm_up()
    rate = keras.optimizers.schedules.CosineDecay(0.0, falling, warmup_target=recipe.learning_rate, warmup_steps=rising)
    model.compile(
        keras.optimizers.Adam(rate),
        loss=SettledMeanSquaredError(RECEPTIVE_FIELD),
        metrics=[ErrorDecibels(RECEPTIVE_FIELD)],
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    return model, fit(model, data, epochs=recipe.epochs, folder=folder, report=report, seed=seed, unit="waves")


def single_thread() -> None:
    """Keeps TensorFlow from splitting every operation over threads.

    The tensors are so small that handing out the pieces takes twice as long as computing them. Where TensorFlow has
    already run something in this process, the number of threads stands, and training is merely slower.
    """
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def begin(seed: int) -> None:
    """Seeds Python, numpy and TensorFlow, and turns on deterministic kernels for the rest of the process."""
    single_thread()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
