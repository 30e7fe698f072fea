"""The one training loop of all systems: `zoo.runs.fit` with progress on the screen, taken up again where it stopped."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo.archives import write_json
from zoo.progress import Progress
from zoo.runs.data_set import DataSet
from zoo.runs.training import LAST, locked
from zoo.runs.training import fit as fit_in_folder
from zoo.screen import Report

TRAINING, SETTINGS = "training", "settings.json"
"""In a system's folder while it trains: what a training that is stopped needs to go on, and which training it is."""

History = list[dict[str, float]]
"""A row for each epoch: its number from 1, loss and metrics, seconds."""


@contextlib.contextmanager
def workplace(out: Path | None, settings: Mapping[str, Any], report: Report) -> Iterator[Path]:
    """The folder in which trainings keep what they need to go on, `out`/training; it is gone when the block has ended.

    A block that is left by an error, by Ctrl-C or by the death of the process leaves the folder behind, and the same
    settings go on there. Others begin anew, and it is said which.

    Args:
        out: the folder of the system's files, made if need be; None for a folder that no other training will see.
        settings: JSON types that tell one training from another: recipe, data, seed.
        report: is told what becomes of a training that was stopped.

    Raises:
        ValueError: another process is training in the folder.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    folder, settings = out / TRAINING, json.loads(json.dumps(settings))
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _take_up(folder, settings, report)
        try:
            yield folder
        except BaseException:
            if not any(folder.rglob(LAST)):
                shutil.rmtree(folder)  # no epoch has ended, so there is nothing to go on with
            raise
        shutil.rmtree(folder)


def fit(
    model: keras.Model,
    data: DataSet,
    *,
    epochs: int,
    folder: Path | None,
    report: Report,
    seed: int = 0,
    name: str = "",
    samples: int | None = None,
    unit: str = "images",
    later: int = 0,
    first_epoch: int = 0,
    shuffle: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> History:
    """Trains a compiled model, or goes on with its training, as `zoo.runs.fit`, and says how it goes.

    Args:
        model, data, seed, shuffle, callbacks: as `zoo.runs.fit`.
        epochs: the number of the last epoch.
        folder: of this training alone; None for one that cannot be taken up again.
        report: is told of every epoch: loss and metrics, samples a second, and how long it will take.
        name: what to call the training, where there are several.
        samples: in an epoch; None for as many as the data say.
        unit: what the samples are.
        later: epochs of the trainings that follow this one, for the time left.
        first_epoch: epochs that the model has been trained for elsewhere.
    """
    batches = data.training_batches(seed)
    count = samples or getattr(batches, "count", None)
    progress = Progress(report, epochs=epochs, batches=len(batches), samples=count, unit=unit, name=name, later=later)
    with contextlib.nullcontext(folder) if folder else tempfile.TemporaryDirectory() as place:
        columns = fit_in_folder(
            model,
            data,
            folder=place,
            epochs=epochs,
            first_epoch=first_epoch,
            callbacks=callbacks,
            observers=[progress.callback()],
            seed=seed,
            shuffle=shuffle,
            verbose=0,
            report=report,
        )
    return rows_of(columns)


def rows_of(columns: Mapping[str, Sequence[float]]) -> History:
    """A table's rows out of its columns."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _take_up(folder: Path, settings: Mapping[str, Any], report: Report) -> None:
    """Keeps what stands in the folder if it is of the same settings; else clears it away, and says so."""
    path = folder / SETTINGS
    if path.is_file():
        try:
            held = dict(json.loads(path.read_text()))
        except ValueError:
            held = {}
        if held == settings:
            report(f"{folder.parent}: going on with the training that was stopped there")
            return
        names = [name for name in {**held, **settings} if held.get(name) != settings.get(name)]
        report(f"{folder.parent}: the training that was stopped there had another {', '.join(names)}; beginning anew")
    for one in folder.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        elif one.name != ".lock":
            one.unlink()
    write_json(path, settings)
