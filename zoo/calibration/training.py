"""One training, from a seed to a file; what is there already is not done again."""

import time
from collections.abc import Callable
from pathlib import Path

import keras

from zoo.augmentation import AugmentedImages
from zoo.calibration.methods import METHODS
from zoo.calibration.recipe import Recipe
from zoo.quiet import quiet_saving
from zoo.runs import DataSet, fit
from zoo.splits import Splits, pixels

MODEL = "model.keras"
"""In the folder of a finished training: the network in float32, not compiled."""


def train_one(
    splits: Splits,
    method: str,
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    report: Callable[[str], None],
    finished: Callable[[int, float], str] = lambda epoch, seconds: "",
) -> keras.Model:
    """Trains one network, goes on with one that is half trained, or loads one that is finished.

    Args:
        splits: the images.
        method: out of `METHODS`.
        recipe: how to train; the same at every call with this folder.
        folder: of this training alone; made if need be.
        seed: of the weights, and of order and augmentation of the images.
        report: called with every line of progress.
        finished: called after every epoch with its number from 1 and the seconds it took; what it returns is shown.

    Returns:
        The network, in float32.
    """
    path = folder / MODEL
    if path.is_file():
        return keras.saving.load_model(path, compile=False)
    keras.utils.set_random_seed(seed)
    shape, classes = splits.train.x.shape[1:], len(splits.classes)
    model = recipe.build(shape, classes, seed)
    batches = AugmentedImages(
        splits.train,
        batch_size=recipe.batch_size,
        shift=recipe.shift,
        flip=recipe.flip,
        seed=seed,
    )
    callbacks = recipe.compile(model, METHODS[method].loss(), len(batches))
    began = time.monotonic()

    def start(epoch: int, logs: object = None) -> None:
        nonlocal began
        began = time.monotonic()

    def end(epoch: int, logs: dict[str, float]) -> None:
        seconds = time.monotonic() - began
        report(
            f"seed {seed} {METHODS[method].title:13}  epoch {epoch + 1:{len(str(recipe.epochs))}}/{recipe.epochs}"
            f"  loss {logs['loss']:.3f}  accuracy {logs['accuracy']:.3f}  validation {logs['val_accuracy']:.3f}"
            f"  {len(splits.train.y) / seconds:,.0f} images/s  {finished(epoch + 1, seconds)}"
        )

    fit(
        model,
        DataSet(batches, (pixels(splits.validate.x), splits.validate.y), batch_size=256),
        folder=folder,
        epochs=recipe.epochs,
        callbacks=[*callbacks, keras.callbacks.LambdaCallback(on_epoch_begin=start, on_epoch_end=end)],
        seed=seed,
        verbose=0,
        report=report,
    )
    precise = recipe.build(shape, classes, seed, precise=True)
    precise.set_weights(model.get_weights())
    with quiet_saving():
        partial = folder / "partial.keras"
        precise.save(partial)
        partial.replace(path)
    return precise
