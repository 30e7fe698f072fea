"""The comparison: networks trained with several losses and seeds, calibrated, measured, as one table and one page."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from zoo import splits as split_module
from zoo.archives import write_json
from zoo.calibration.device import decision_model, flag_threshold
from zoo.calibration.figures import Figures
from zoo.calibration.measuring import (
    CALIBRATED,
    PLAIN,
    REFITTED,
    SCALED,
    measure,
    read_logits,
)
from zoo.calibration.methods import METHODS
from zoo.calibration.picture import page
from zoo.calibration.recipe import RECIPES, Plan
from zoo.calibration.table import Rows, baseline, table
from zoo.calibration.training import MODEL, train_one
from zoo.datasets import IMAGES
from zoo.quiet import quiet_saving
from zoo.screen import Report, silent
from zoo.splits import Splits, pixels

ABOUT, PAGE, DEVICE, TABLE = "calibration.json", "calibration.png", "device.keras", "calibration.txt"

LOSSES = ("cross-entropy", "focal-1", "focal-2", "focal-3")
"""What the published comparison trains."""


def train(
    out: Path,
    *,
    data: str = "cifar10",
    network: str = "small",
    losses: Sequence[str] = LOSSES,
    seeds: int = 2,
    seed: int = 0,
    report: Report = print,
    **changes: Any,
) -> str:
    """Trains whatever is not finished, measures all, draws the page; returns the table.

    Args:
        out: folder; every training has a folder of its own in it, and is not begun again where it is finished.
        data: out of `zoo.datasets.IMAGES`.
        network: out of `zoo.calibration.training.NETWORKS`.
        losses: out of `METHODS`, none twice.
        seeds, seed: how many, and the first. The images are divided in the same way for all.
        report: takes every line of progress.
        **changes: fields of the recipe, other than they are.

    Raises:
        ValueError: `out` holds trainings of another kind.
    """
    if len(set(losses)) < len(losses):
        raise ValueError("--losses names a loss twice")
    recipe = RECIPES[data, network].changed(**changes)
    plan = Plan(data, tuple(losses), seeds, seed, recipe)
    _agree(out, plan)
    splits = split_module.load(data)
    _train_all(out, plan, splits, report)
    rows = _all_figures(out, plan, splits, report)
    _write_device(out, plan, splits)
    report(f"drawn: {_draw(out, rows, plan, splits)}")
    return _write_table(out, rows, plan, splits)


def evaluate(out: Path) -> str:
    """The table of the trainings in `out`; what has not been measured yet is measured.

    Raises:
        ValueError: there are none, or not all are finished.
    """
    plan, splits = _read(out)
    return _write_table(out, _all_figures(out, plan, splits), plan, splits)


def show(out: Path) -> Path:
    """Draws the page of the trainings in `out`, and returns its path. Errors as in `evaluate`."""
    plan, splits = _read(out)
    return _draw(out, _all_figures(out, plan, splits), plan, splits)


def folder_of(out: Path, seed: int, loss: str) -> Path:
    """The folder of one training."""
    return out / f"seed{seed}" / loss


def _train_all(out: Path, plan: Plan, splits: Splits, report: Report) -> None:
    """Trains what is not finished, and says how long the rest will take."""
    missing = [one for one in plan.trainings() if not (folder_of(out, *one) / MODEL).is_file()]
    kept = plan.seeds * len(plan.losses) - len(missing)
    report(
        f"{splits.name} ({splits.origin}) without {' and '.join(splits.held_out)}: "
        f"{len(splits.train.y):,} images to train on, {len(splits.test.y):,} to test; {plan.recipe.network} network; "
        f"{len(missing)} trainings to do, {kept} there already"
    )
    for number, (seed, loss) in enumerate(missing):
        later = plan.recipe.epochs * (len(missing) - number - 1)
        train_one(splits, loss, plan.recipe, folder_of(out, seed, loss), seed=seed, report=report, later=later)


def _write_table(out: Path, rows: Rows, plan: Plan, splits: Splits) -> str:
    text = table(rows, plan, splits, baseline(splits))
    (out / TABLE).write_text(text + "\n")
    return text


def _draw(out: Path, rows: Rows, plan: Plan, splits: Splits) -> Path:
    logits = {loss: read_logits(folder_of(out, plan.first_seed, loss)) for loss in plan.losses}
    page(out / PAGE, rows, logits, plan, splits)
    return out / PAGE


def _measured(out: Path, plan: Plan, splits: Splits, seed: int, loss: str, report: Report) -> dict[str, Figures]:
    folder = folder_of(out, seed, loss)
    if not (folder / MODEL).is_file():
        raise ValueError(f"the training in {folder} is not finished: the same `train` again goes on with it")
    began = time.monotonic()
    model = keras.saving.load_model(folder / MODEL, compile=False)

    def timed(line: str) -> None:
        report(f"{line}   ({time.monotonic() - began:.0f} s)")

    return measure(model, splits, folder, refit=loss == plan.losses[0], report=timed)


def _all_figures(out: Path, plan: Plan, splits: Splits, report: Report = silent) -> dict[str, list[Figures]]:
    """For every row of the table, by "loss/what was done", one `Figures` for each seed."""
    rows: dict[str, list[Figures]] = {}
    for loss in plan.losses:
        for seed in range(plan.first_seed, plan.first_seed + plan.seeds):
            measured = _measured(out, plan, splits, seed, loss, report)
            for done in (PLAIN, REFITTED, SCALED):
                if done in measured:
                    rows.setdefault(f"{loss}/{done}", []).append(measured[done])
    return rows


def _write_device(out: Path, plan: Plan, splits: Splits) -> None:
    """device.keras: the first network with its temperature, ending in class, confidence and flag."""
    calibrated = keras.saving.load_model(folder_of(out, plan.first_seed, plan.losses[0]) / CALIBRATED, compile=False)
    threshold = flag_threshold(calibrated, pixels(splits.validate.x))
    with quiet_saving():
        decision_model(calibrated, threshold).save(out / DEVICE)


def _agree(out: Path, plan: Plan) -> None:
    """Keeps the plan in the folder, or refuses one that does not go with what stands there."""
    path = out / ABOUT
    if path.is_file():
        old = _plan(path)
        if (old.data, old.recipe) != (plan.data, plan.recipe):
            raise ValueError(f"{out} holds trainings of another kind ({old.data}, {old.recipe}); choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_json(path, plan.as_json())


def _plan(path: Path) -> Plan:
    try:
        held = json.loads(path.read_text())
        plan = Plan.from_json(held)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); choose another --out, or delete it") from error
    unknown = {*plan.losses} - {*METHODS} | {plan.data} - {*IMAGES}
    if unknown:
        raise ValueError(f"{path} names what is not known here: {', '.join(sorted(unknown))}")
    return plan


def _read(out: Path) -> tuple[Plan, Splits]:
    path = out / ABOUT
    if not path.is_file():
        raise ValueError(f"there is no {path}: train first, with python -m zoo train calibration")
    plan = _plan(path)
    return plan, split_module.load(plan.data)
