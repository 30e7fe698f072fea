"""One training, from a seed to a file; what is there already is not done again."""

from pathlib import Path
from typing import Any

import keras

from zoo.augmentation import AugmentedImages
from zoo.calibration.methods import METHODS
from zoo.calibration.recipe import Recipe
from zoo.quiet import quiet_saving
from zoo.residual import resnet18, small_residual
from zoo.runs.data_set import DataSet
from zoo.screen import Report
from zoo.splits import Splits, pixels
from zoo.training import fit

MODEL = "model.keras"
"""In the folder of a finished training: the network in float32, not compiled."""

NETWORKS = {"small": small_residual, "resnet18": resnet18}
"""Every network, by the name that `--network` takes."""


def train_one(
    splits: Splits,
    method: str,
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    report: Report,
    later: int = 0,
) -> keras.Model:
    """Trains one network, goes on with one that is half trained, or loads one that is finished.

    Args:
        splits: the images.
        method: out of `METHODS`.
        recipe: how to train; the same at every call with this folder.
        folder: of this training alone; made if need be.
        seed: of the weights, and of order and augmentation of the images.
        report: takes every line of progress.
        later: epochs of the trainings that follow, for the time left.

    Returns:
        The network, in float32.
    """
    path = folder / MODEL
    if path.is_file():
        return keras.saving.load_model(path, compile=False)
    keras.utils.set_random_seed(seed)
    shape, classes = splits.train.x.shape[1:], len(splits.classes)
    model = build(recipe, shape, classes, seed)
    batches = AugmentedImages(
        splits.train, batch_size=recipe.batch_size, shift=recipe.shift, flip=recipe.flip, seed=seed
    )
    callbacks = compile_model(recipe, model, METHODS[method].loss(), len(batches))
    fit(
        model,
        DataSet(batches, (pixels(splits.validate.x), splits.validate.y), batch_size=256),
        epochs=recipe.epochs,
        folder=folder,
        report=report,
        seed=seed,
        name=f"seed {seed} {METHODS[method].title:13}",
        later=later,
        callbacks=callbacks,
    )
    precise = build(recipe, shape, classes, seed, precise=True)
    precise.set_weights(model.get_weights())
    with quiet_saving():
        partial = folder / "partial.keras"
        precise.save(partial)
        partial.replace(path)
    return precise


def build(
    recipe: Recipe, input_shape: tuple[int, int, int], classes: int, seed: int, *, precise: bool = False
) -> keras.Model:
    """The network, not compiled; of Keras' own layers in float32 where it is to be `precise`, and to be kept."""
    precision = "float32" if precise else recipe.precision
    return NETWORKS[recipe.network](input_shape, classes, seed=seed, dtype=precision, fused=not precise)


def compile_model(
    recipe: Recipe, model: keras.Model, loss: keras.losses.Loss, batches: int
) -> list[keras.callbacks.Callback]:
    """Compiles the network to be trained with so many batches an epoch; returns the callbacks that belong to it."""
    stop = recipe.patience
    callbacks: list[keras.callbacks.Callback] = []
    rate: Any = recipe.learning_rate
    if recipe.schedule == "one_cycle":
        steps = recipe.epochs * batches
        warm_up = max(1, steps // 5)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warm_up), warmup_target=recipe.learning_rate, warmup_steps=warm_up
        )
    else:
        callbacks.append(keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.2, patience=recipe.patience))
        stop = 2 * recipe.patience + 1
    callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=stop, restore_best_weights=True))
    optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=recipe.decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=min(20, batches))
    return callbacks
