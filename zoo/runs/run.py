"""`train` makes a run or resumes one; `load` brings one back from what it kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from zoo.archives import write_json
from zoo.progress import Progress
from zoo.runs.config import Config, merge_flags, read_config
from zoo.runs.curves import read_metrics
from zoo.runs.data_set import DataSet
from zoo.runs.folder import (
    DATA,
    FLAGS,
    METRICS,
    MODEL,
    RUNS,
    check_name,
    find_run,
    make_run,
    numbers,
    read_record,
    record_session,
)
from zoo.runs.state import read_state, restore_variables, variables
from zoo.runs.training import BEST, checksum, fit, last_state, locked
from zoo.screen import Report

EXPORT = "model.keras"


@dataclass(frozen=True)
class Run:
    """A run, brought back.

    Attributes:
        folder: of the run.
        data: what its data configuration makes.
        model: compiled, with the restored weights.
        flags: of both configurations.
        epoch: whose end the weights are of, from 1.
        data_config, model_config: the stored configurations.
        notes: what is not as it was.
    """

    folder: Path
    data: DataSet
    model: keras.Model
    flags: Mapping[str, Any]
    epoch: int
    data_config: Config
    model_config: Config
    notes: tuple[str, ...]


def train(
    *,
    name: str,
    data: Path | str | None = None,
    model: Path | str | None = None,
    flags: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    monitor: str | None = None,
    mode: str | None = None,
    resume: bool = False,
    runs: Path | str = RUNS,
    verbose: int | str = 0,
    report: Report = print,
) -> Path:
    """Makes a new run, or continues the last one of its name.

    Makes TensorFlow's operations deterministic for the rest of the process, and seeds all global generators.

    Args:
        name: of the run; its folder is `runs/<name>/<number>`.
        data, model: the configuration files. A run that is resumed has its own, and takes only the same ones.
        flags: values other than the defaults of the configurations.
        epochs: how many in all; 10 by default, and when resuming as many as before.
        seed: of everything; 0 by default.
        monitor, mode: which metric tells the best epoch, and whether "min" (the default) or "max" of it is best.
        resume: whether to continue.
        runs: where the runs are.
        verbose: as in Keras, beside the lines of `report`.
        report: takes a line after each epoch, and where the training continues.

    Returns:
        The folder of the run.

    Raises:
        ValueError: what is asked for makes no sense, or is not what the run began with.
        OSError: a file cannot be written.
    """
    runs, check = Path(runs), check_name(name)
    given = {"flags": flags, "seed": seed, "monitor": monitor, "mode": mode}
    if resume:
        known = numbers(runs / check)
        if not known:
            raise ValueError(f"there is no run {name} in {runs} to resume")
        folder = runs / check / str(known[-1])
        record = read_record(folder)
        _refuse_changes(folder, record, {"data": data, "model": model}, given)
        if epochs and epochs != record["epochs"]:
            record["epochs"] = epochs
            write_json(folder / FLAGS, record)
        configs = _stored_configs(folder)
        report(f"{folder}: with the configurations and flags that it keeps")
    else:
        if data is None or model is None:
            raise ValueError("a new run needs a data and a model configuration")
        configs = read_config(data, "data"), read_config(model, "model")
        record = {
            "data": str(data),
            "model": str(model),
            "epochs": epochs or 10,
            "flags": merge_flags(configs, flags or {}, seed or 0),
            "monitor": monitor,
            "mode": mode or "min",
        }
        folder = None
    tf.config.experimental.enable_op_determinism()
    made, network = _make(configs, record["flags"])
    callbacks = configs[1].callbacks(record["flags"])
    if folder is None:
        folder = make_run(runs, check, *configs, record)
        report(str(folder))
    with locked(folder):
        notes = record_session(folder)
    for note in notes:
        report(f"since the run began: {note}")
    batches = made.training_batches(record["flags"]["seed"])
    samples = getattr(batches, "count", None)
    progress = Progress(report, epochs=record["epochs"], batches=len(batches), samples=samples, unit="samples")
    fit(
        network,
        made,
        folder=folder,
        epochs=record["epochs"],
        callbacks=callbacks,
        observers=[progress.callback()],
        seed=record["flags"]["seed"],
        monitor=record["monitor"],
        mode=record["mode"],
        verbose=verbose,
        report=report,
    )
    _export(network, folder, report)
    return folder


def train_command(*, set: Sequence[tuple[str, Any]], **options: Any) -> str:
    """`train` as the command line has it; returns what to print."""
    flags = dict(set)
    if len(flags) != len(set):
        raise ValueError("--set gives a flag twice")
    try:
        folder = train(flags=flags, **options)
    except OSError as error:  # a full disk, most likely: nothing is wrong with the arguments
        raise OSError(f"{error}. What stands on the disk is whole, and --resume goes on from there") from error
    metrics = read_metrics(folder / METRICS)
    return (
        f"{folder}: {len(metrics['epoch'])} epochs, {sum(metrics['seconds']):.0f} s\n"
        f"next:  python -m zoo evaluate run {folder}     python -m zoo show run {folder}"
    )


def load(path: Path | str, *, which: str = "best", runs: Path | str = RUNS) -> Run:
    """Data, model and weights of a run, from the copies in its folder alone.

    Executes the stored configurations. The weights are numbers, and nothing is unpickled. Seeds all global generators
    as the training did, so that the data come out as they were.

    Args:
        path: of the run's folder; or its name, or name/number.
        which: "best" or "last", which weights.
        runs: where runs are that are given by name.

    Raises:
        ValueError: no such run, or one without a checkpoint that can be read.
    """
    if which not in ("best", "last"):
        raise ValueError(f'which weights: "best" or "last", not {which!r}')
    folder = find_run(Path(runs), str(path))
    record = read_record(folder)
    notes: list[str] = []
    state = _best_state(folder) if which == "best" else last_state(folder, notes.append)
    if state is None:
        raise ValueError(f"{folder} was stopped before its first epoch had ended, so that it has no weights")
    configs = _stored_configs(folder)
    data, model = _make(configs, record["flags"])
    if checksum(data.training_batches(record["flags"]["seed"])) != state["identity"]["first_batch"]:
        notes.append("the training data are not those that the run was trained on")
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    restore_variables(variables(model), state["variables"])
    return Run(folder, data, model, record["flags"], state["epoch"], *configs, tuple(notes))


def _make(configs: tuple[Config, Config], flags: Mapping[str, Any]) -> tuple[DataSet, keras.Model]:
    """Data and model, as they are at the beginning of a training."""
    keras.utils.set_random_seed(flags["seed"])
    data = configs[0].load(flags)
    if not isinstance(data, DataSet):
        raise ValueError(f"load in {configs[0].path} returns a {type(data).__name__}, not a zoo.runs.DataSet")
    model = configs[1].load(flags, data=data)
    if not isinstance(model, keras.Model):
        raise ValueError(f"load in {configs[1].path} returns a {type(model).__name__}, not a keras.Model")
    if getattr(model, "optimizer", None) is None:
        raise ValueError(f"the model of {configs[1].path} is not compiled")
    if not model.built:
        raise ValueError(f"the model of {configs[1].path} is not built: give it an Input, or call it on a batch")
    return data, model


def _stored_configs(folder: Path) -> tuple[Config, Config]:
    return read_config(folder / DATA, "data"), read_config(folder / MODEL, "model")


def _best_state(folder: Path) -> dict[str, Any] | None:
    path = folder / BEST
    try:
        return read_state(path) if path.exists() else None
    except OSError as error:
        raise ValueError(f"{error}; the last weights may still be there") from error


def _export(model: keras.Model, folder: Path, report: Report) -> None:
    """The best weights as a file that any Keras loads, and the compiler too. The run itself does not need it."""
    state = _best_state(folder)
    if state is None:
        return
    restore_variables(variables(model), state["variables"])
    partial = folder / f"partial-{EXPORT}"
    try:
        model.save(partial)
        partial.replace(folder / EXPORT)
    except (NotImplementedError, TypeError) as error:
        report(f"there will be no {EXPORT}, as the model cannot be written as one: {error}")
    finally:
        partial.unlink(missing_ok=True)


def _refuse_changes(
    folder: Path, record: Mapping[str, Any], files: Mapping[str, Path | str | None], given: Mapping[str, Any]
) -> None:
    """A resumed run is the same experiment, or another one."""
    for role, path in files.items():
        if path is None:
            continue
        if not Path(path).is_file():
            raise ValueError(f"the {role} configuration {path} is not there; a run that is resumed needs none")
        if Path(path).read_text(encoding="utf-8") != (folder / f"{role}.py").read_text(encoding="utf-8"):
            raise ValueError(
                f"{path} is no longer what {folder} began with ({role}.py there): leave --{role} out to resume with "
                "the stored copy, or start a new run"
            )
    began = {**record["flags"], "monitor": record["monitor"], "mode": record["mode"]}
    wanted = {**(given["flags"] or {}), **{key: given[key] for key in ("seed", "monitor", "mode")}}
    for key, value in wanted.items():
        if value is not None and began.get(key) != value:
            raise ValueError(f"{folder} began with {key} {began.get(key)!r}, and cannot be resumed with {value!r}")
