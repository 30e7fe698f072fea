"""`fit`: trains, and continues where the last one in the same folder stopped, to the very bit.

Keras' own callbacks were looked at first (3.15) and do not reach that far:

- `BackupAndRestore` and `ModelCheckpoint` go through `save_weights`, which leaves out the states of seed generators,
  so that dropout draws other masks after a restart. Weights and epoch are two files, written over the old ones in
  place: a kill in between loses one or both. What other callbacks remember is not kept, and every `fit` resets it.
- `CSVLogger` appends, so that an epoch which is repeated after a kill has two rows.
- `fit(x, y)` shuffles by a generator inside tf.data whose place cannot be stored.

So one file holds everything (state.py), the order of the data follows from the epoch (data_set.py), and the table is
written from the same file. A training restarts at the last epoch that it finished.
"""

import contextlib
import csv
import fcntl
import io
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from zoo.runs.callback_state import callback_states, restore_callback_states, undeclared_state
from zoo.runs.data_set import DataSet
from zoo.runs.folder import METRICS
from zoo.runs.state import (
    PARTIAL,
    random_states,
    read_state,
    read_variables,
    replacing,
    restore_random_states,
    restore_variables,
    variables,
    write_state,
)
from zoo.screen import Report

LAST, PREVIOUS, BEST = "last.npz", "previous.npz", "best.npz"


def fit(
    model: keras.Model,
    data: DataSet,
    *,
    folder: Path | str,
    epochs: int,
    first_epoch: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    observers: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
    shuffle: bool = False,
    monitor: str | None = None,
    mode: str = "min",
    verbose: int | str = "auto",
    report: Report = print,
) -> dict[str, list[float]]:
    """Trains a compiled model, beginning with whatever stands in the folder.

    A training that was stopped, or killed, and is called again with the same arguments ends with the weights of one
    that was never interrupted, bit for bit, provided that the operations are deterministic (on a CPU:
    `tf.config.experimental.enable_op_determinism`) and random numbers come from a `keras.random.SeedGenerator` that
    the model's layers hold, from Python's or NumPy's global generators, or from (seed, epoch, batch).

    The folder then holds last.npz (all that is needed to go on), previous.npz (the same, one epoch before, in case
    that the last is damaged), best.npz, and metrics.csv with one row for each epoch.

    Args:
        model: built and compiled, in the same way at every call. What it holds is overwritten if there is a checkpoint.
        data: what to train on, and to validate on.
        folder: of this training alone; made if need be.
        epochs: how many in all, counted from the first beginning. Asking for more continues a finished training.
        first_epoch: epochs that the model has been trained for before, elsewhere.
        callbacks: Keras' own, which are restored; or others (see `zoo.runs.callback_state.callback_states`).
        observers: callbacks that only look on, so that nothing of them is kept.
        seed: of the order of training data that are given as arrays.
        shuffle: let Keras mix the batches of a `PyDataset` in every epoch, by Python's generator.
        monitor: the metric that tells the best epoch; val_loss by default, or loss where nothing is held out.
        mode: "min" or "max", which of them is best.
        verbose: as in Keras; "auto" is a bar on a terminal and a line for each epoch elsewhere.
        report: is told where the training continues.

    Returns:
        Every metric, epoch by epoch from the first, as in metrics.csv.

    Raises:
        ValueError: the checkpoint is of another model, data, seed or list of callbacks, or is damaged beyond use;
            another process is training in the folder; or the data or a callback cannot be resumed.
        OSError: a checkpoint cannot be written. The one before is still there.
    """
    if mode not in ("min", "max"):
        raise ValueError(f'mode is "min" or "max", not {mode!r}')
    if getattr(model, "optimizer", None) is None:
        raise ValueError("the model must be compiled")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        for left_over in folder.glob(f"*{PARTIAL}"):
            left_over.unlink()
        batches, validation = data.training_batches(seed), data.held_out("validation")
        stored = last_state(folder, report)
        identity = {"seed": seed, "batches": len(batches), "first_batch": checksum(batches)}
        if stored:
            for name, value in stored["identity"].items():
                if identity[name] != value:
                    raise ValueError(
                        f"{folder} holds a training with {name} {value}, not {identity[name]}: the same data give the "
                        "same batches at every call"
                    )
        keeper = Keeper(
            folder,
            stored=stored,
            identity=identity,
            monitor=monitor or ("loss" if validation is None else "val_loss"),
            mode=mode,
        )
        begin = stored["epoch"] if stored else first_epoch
        if stored:
            ended = stored["stopped"] or begin >= epochs
            why = "stopped by a callback" if stored["stopped"] else "finished"
            report(f"{folder}: {f'{why} after epoch {begin}' if ended else f'continuing after epoch {begin}'}")
            begin = epochs if ended else begin
        model._initial_epoch = None  # BackupAndRestore leaves its own there, which would overrule ours
        model.fit(
            **data.training_arguments(batches),
            epochs=epochs,
            initial_epoch=begin,
            validation_data=validation,
            callbacks=[*callbacks, Checkpoint(keeper, batches, callbacks), *observers],
            shuffle=shuffle,
            verbose=(1 if sys.stdout.isatty() else 2) if verbose == "auto" else verbose,
        )
    return keeper.columns()


class Keeper:
    """The files of a training: everything after each epoch, and the table. Knows no Keras.

    Args:
        folder: of the training.
        stored: what `last_state` gave.
        identity: what tells this training from another.
        monitor: the metric that tells the best epoch.
        mode: "min" or "max", which of them is best.
    """

    def __init__(
        self, folder: Path, *, stored: dict[str, Any] | None, identity: dict[str, Any], monitor: str, mode: str = "min"
    ) -> None:
        self.folder, self.stored, self.identity, self.monitor, self.mode = folder, stored, identity, monitor, mode
        self.rows: list[dict[str, float]] = stored["rows"] if stored else []
        self.best: float | None = stored["best"] if stored else None
        self._began = 0.0

    def begin(self) -> None:
        """An epoch begins."""
        self._began = time.monotonic()

    def keep(self, epoch: int, logs: Mapping[str, Any], **state: Any) -> None:
        """Stores: the best first, then everything, then the table; a kill in between repeats the epoch.

        Args:
            epoch: which has ended, from 0.
            logs: its loss and metrics.
            **state: all that is needed to go on, as `write_state` takes it.
        """
        values = {name: float(value) for name, value in logs.items() if np.ndim(value) == 0}
        if self.monitor not in values:
            raise ValueError(f"there is no {self.monitor} to tell the best epoch by, only {', '.join(values)}")
        value = values[self.monitor]
        improved = self.best is None or (value < self.best if self.mode == "min" else value > self.best)
        if improved and value == value:
            self.best = value
        self.rows.append({"epoch": epoch + 1, **values, "seconds": round(time.monotonic() - self._began, 3)})
        state = {"epoch": epoch + 1, "best": self.best, "rows": self.rows, "identity": self.identity, **state}
        last = self.folder / LAST
        if improved:
            write_state(self.folder / BEST, state)
        fresh = self.folder / f"{LAST}.new"
        write_state(fresh, state)
        if last.exists():
            last.replace(self.folder / PREVIOUS)
        fresh.replace(last)
        self.write_metrics()

    def columns(self) -> dict[str, list[float]]:
        """The rows so far, by name."""
        return {name: [row.get(name, float("nan")) for row in self.rows] for name in self._names()}

    def write_metrics(self) -> None:
        """Writes the table."""
        text = io.StringIO()
        table = csv.DictWriter(text, self._names(), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        with replacing(self.folder / METRICS) as file:
            file.write(text.getvalue().encode())

    def _names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))


class Checkpoint(keras.callbacks.Callback):
    """Restores what is stored when a training begins, and stores everything after each epoch; after all that it keeps.

    Args:
        keeper: of the training's folder.
        batches: what it trains on.
        callbacks: whose states are kept too.
    """

    def __init__(
        self, keeper: Keeper, batches: keras.utils.PyDataset, callbacks: Sequence[keras.callbacks.Callback]
    ) -> None:
        super().__init__()
        self.keeper, self.batches, self.callbacks = keeper, batches, list(callbacks)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores, after every other callback has reset itself."""
        if not self.model.built:
            raise ValueError("the model must be built before it is trained")
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        self.variables = variables(self.model)
        stored = self.keeper.stored
        if stored:
            restore_callback_states(self.callbacks, stored["callbacks"])
            restore_variables(self.variables, stored["variables"])
            restore_random_states(stored["random"])
            self.keeper.write_metrics()
        self.undeclared = [undeclared_state(callback) for callback in self.callbacks]

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells the data which epoch it is."""
        if hasattr(self.batches, "epoch"):
            self.batches.epoch = epoch
        self.keeper.begin()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stores everything."""
        self._refuse_what_cannot_be_resumed()
        self.keeper.keep(
            epoch,
            logs or {},
            stopped=bool(self.model.stop_training),
            callbacks=callback_states(self.callbacks),
            random=random_states(),
            variables=read_variables(self.variables),
        )

    def _refuse_what_cannot_be_resumed(self) -> None:
        new = set(variables(self.model)) - set(self.variables)
        if new:
            raise ValueError(
                f"{min(new)} was made in training, so that a new process could not restore it: build layers and "
                "optimizers before"
            )
        for callback, before in zip(self.callbacks, self.undeclared, strict=True):
            now = undeclared_state(callback)
            changed = [name for name in now if now[name] != before.get(name)]
            if changed:
                raise ValueError(
                    f"{type(callback).__name__} changes its {', '.join(changed)} in training, which a resumed training "
                    "would not know: give it get_state() and set_state(state)"
                )


def last_state(folder: Path, report: Report = print) -> dict[str, Any] | None:
    """What a training in this folder stands at; the epoch before where the last file is damaged; None if nothing does.

    Raises:
        ValueError: there are checkpoints, and none can be read.
    """
    paths = [folder / name for name in (f"{LAST}.new", LAST, PREVIOUS)]
    paths = [path for path in paths if path.exists()]
    for path in paths:
        try:
            state = read_state(path)
        except OSError as error:
            report(str(error))
            continue
        return state
    if paths:
        raise ValueError(f"no checkpoint in {folder} can be read; delete the folder to begin again")
    return None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes from training in the folder; the system lets go of it however this process ends.

    Raises:
        ValueError: another process holds it.
    """
    with (folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"another process is training in {folder}") from error
        yield


def checksum(batches: keras.utils.PyDataset) -> int:
    """Of the first batch of the first epoch: other data, or another order, must not pass for the same training.

    Raises:
        ValueError: the batch is another one when it is asked for again.
    """
    totals = []
    for _ in range(2):
        if hasattr(batches, "epoch"):
            batches.epoch = 0
        total = 0
        for array in tree.flatten(batches[0]):
            total = zlib.crc32(np.ascontiguousarray(ops.convert_to_numpy(array)).tobytes(), total)
        totals.append(total)
        batches.on_epoch_end()
    if totals[0] != totals[1]:
        raise ValueError(
            f"the batches of {type(batches).__name__} do not follow from its `epoch` and the index alone, so that a "
            "training on them cannot be resumed"
        )
    return totals[0]
