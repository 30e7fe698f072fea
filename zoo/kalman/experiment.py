"""The filters, from a seed to a folder of files, and what can be done with the folder."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.archives import write_csv, write_json
from zoo.kalman import device, reference
from zoo.kalman.batches import Steps, batch_table, by_name, follow_all
from zoo.kalman.evaluation import Predict, parameter_table, table, table_by_rate
from zoo.kalman.model import FILTERS, build, build_gru
from zoo.kalman.picture import page
from zoo.kalman.recipe import Recipe
from zoo.kalman.reference import Numbers
from zoo.kalman.throws import grid_of_throws, held_out, observe, throw
from zoo.kalman.training import fit_model
from zoo.quiet import quiet_saving
from zoo.screen import Report
from zoo.tables import aligned
from zoo.training import workplace

TITLES = {
    "published": "as published",
    "skip": "passes over what is missing",
    "acceleration": "and a constant acceleration",
    "ours": "and a learnt start",
}
"""What tables call the filters."""

Models = dict[str, list[keras.Model]]
"""By filter (and "gru"), one for each training."""


def train(
    *, out: Path | str | None = None, seed: int = 0, recipe: Recipe | None = None, report: Report = print
) -> Models:
    """Trains every filter and the GRU, several times each.

    Args:
        out: folder for the files; None writes nothing. A training that was stopped there goes on.
        seed: of the first training; the next has the next.
        recipe: how.
        report: takes every line of progress.
    """
    recipe = recipe or Recipe()
    out = None if out is None else Path(out)
    models = _untrained(recipe, seed)
    histories = {}
    left = recipe.seeds * len(models) * recipe.epochs
    with workplace(out, {"seed": seed, **asdict(recipe)}, report) as folder:
        for index in range(recipe.seeds):
            for name, made in models.items():
                left -= recipe.epochs
                rows = fit_model(
                    made[index],
                    recipe,
                    seed=seed + index,
                    folder=folder / f"{name}-{index}",
                    report=report,
                    name=f"{name}, seed {seed + index}",
                    later=left,
                )
                if not index:
                    histories[name] = [row["loss"] for row in rows]
        if out is not None:
            report("batches of 1, 8 and all, plain gradient and Adam, step by step")
            rows = follow_all(recipe, seed)
            _write(out, models, histories, rows, {"seed": seed, "recipe": asdict(recipe)})
    return models


def train_command(*, out: Path, seed: int, report: Report, **changes: Any) -> str:
    """`train` as the command line has it; returns what to print."""
    models = train(out=out, seed=seed, recipe=Recipe().changed(**changes), report=report)
    return f"{summary(models)}\n\n{out}: {', '.join(sorted(path.name for path in out.iterdir()))}"


def evaluate(out: Path, masks: int = 100) -> str:
    """The tables of the filters in a folder.

    Args:
        out: what `train` has written to.
        masks: sets of gaps for each missing rate.

    Raises:
        ValueError: no filters there.
    """
    models, steps = _read(out)
    begun, trained = _begun(), {name: _numbers(models[name][0]) for name in FILTERS}
    chosen = {
        "published, untrained": begun["published"],
        "published, trained": trained["published"],
        "skips, trained": trained["skip"],
        "learnt start, trained": trained["ours"],
    }
    every = {"untrained": begun["skip"], **{f"{TITLES[name]}, trained": numbers for name, numbers in trained.items()}}
    parts = [summary(models), table_by_rate(chosen, masks), parameter_table(every), batch_table(steps)]
    return "\n\n".join([*parts, _device_table({"untrained": begun["skip"], "trained": trained["ours"]})])


def show(out: Path) -> Path:
    """Draws kalman.png for the filters in a folder, and returns its path.

    Raises:
        ValueError: no filters there.
    """
    _draw(out / "kalman.png", *_read(out))
    return out / "kalman.png"


def summary(models: Models) -> str:
    """A row for each filter before and after training, for the GRU, and for the baselines."""
    begun = _begun()
    rows: dict[str, list[Predict]] = {}
    for name in ("published", "skip"):
        rows[f"{TITLES[name]}, untrained"] = [_filter(begun[name])]
    for name in FILTERS:
        rows[f"{TITLES[name]}, trained"] = [_filter(_numbers(model)) for model in models[name]]
    rows["GRU, trained equally long"] = [_network(model) for model in models["gru"]]
    return table(rows)


def _device_table(rows: Mapping[str, Numbers]) -> str:
    """What the settled filter is on a device: how many taps, products and how far from the filter in float64."""
    lines = [["settled filter", "taps", "products", "recurrent: error", "convolution: error once full"]]
    turn = 0.1 * np.arange(600)
    seen = np.stack([np.cos(turn), np.sin(2.0 * turn)], axis=-1)[None]
    for name, numbers in rows.items():
        settled = device.settle(numbers)
        exact = reference.predict(numbers, observe(seen, 0.0, 0))
        recurrent = device.recurrent(settled).predict(seen, verbose=0)
        cells = [f"{np.abs(recurrent - exact)[:, 300:].max():.1e}"]
        try:
            model = device.convolution(settled)
            taps = model.get_layer("taps").kernel_size[0]
            late = max(300, taps)
            errors = np.abs(model.predict(seen, verbose=0) - exact)[:, late:]
            cells = [f"{taps}", f"{4 * taps}", *cells, f"{errors.max():.1e}" if errors.size else "-"]
        except ValueError:
            cells = ["too many", "-", *cells, "-"]
        lines.append([name, *cells])
    return aligned(lines)


def _filter(numbers: Numbers) -> Predict:
    return lambda inputs: reference.predict(numbers, inputs)


def _network(model: keras.Model) -> Predict:
    return lambda inputs: model.predict(inputs, batch_size=1_600, verbose=0)


def _numbers(model: keras.Model) -> Numbers:
    return reference.numbers_of(model.get_layer("filter").cell)


def _begun() -> dict[str, Numbers]:
    """The numbers of every filter before it is trained."""
    return {name: _numbers(build(cell())) for name, cell in FILTERS.items()}


def _untrained(recipe: Recipe, seed: int) -> Models:
    count = range(recipe.seeds)
    models = {name: [build(cell(), name) for _ in count] for name, cell in FILTERS.items()}
    return {**models, "gru": [build_gru(recipe.units, seed + index) for index in count]}


def _write(
    out: Path, models: Models, histories: Mapping[str, list[float]], steps: list[Steps], about: Mapping[str, Any]
) -> None:
    with quiet_saving():
        for index in range(len(models["gru"])):
            (out / f"seed{index}").mkdir(exist_ok=True)
            for name, made in models.items():
                made[index].save(out / f"seed{index}" / f"{name}.keras")
        models["ours"][0].save(out / "kalman.keras")
        settled = device.settle(_numbers(models["ours"][0]))
        device.recurrent(settled).save(out / "settled.keras")
        with contextlib.suppress(ValueError):  # it remembers for too long
            device.convolution(settled).save(out / "taps.keras")
    rows = [dict(zip(histories, losses, strict=True)) for losses in zip(*histories.values(), strict=True)]
    write_csv(out / "history.csv", [{"epoch": epoch, **row} for epoch, row in enumerate(rows, 1)])
    write_json(out / "about.json", about)
    write_json(out / "steps.json", {"steps": [asdict(row) for row in steps]})
    _draw(out / "kalman.png", models, steps)


def _read(out: Path) -> tuple[Models, list[Steps]]:
    """The trained models in a folder, and the steps that were written down."""
    path = out / "about.json"
    if not path.is_file():
        raise ValueError(f"there is no {path}: train first, with python -m zoo train kalman")
    try:
        held = json.loads(path.read_text())
        models = _untrained(Recipe(**held["recipe"]), held["seed"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}; train again, with python -m zoo train kalman") from error
    for name, made in models.items():
        for index, model in enumerate(made):
            file = out / f"seed{index}" / f"{name}.keras"
            if not file.is_file():
                raise ValueError(f"there is no {file}: train again, with python -m zoo train kalman")
            with quiet_saving():
                model.load_weights(file)
    path = out / "steps.json"
    try:
        return models, [Steps(**row) for row in json.loads(path.read_text())["steps"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is missing or damaged; train again, with python -m zoo train kalman") from error


def _draw(path: Path, models: Models, steps: list[Steps]) -> None:
    positions = throw(np.array([3.0, 4.5, 6.0]), np.array([7.5, 5.0, 6.0]))
    inputs = np.concatenate(
        [observe(positions[i : i + 1], rate, held_out(4)) for i, rate in enumerate((0.0, 0.2, 0.4))]
    )
    shown = {TITLES[name]: _numbers(models[name][0]) for name in ("published", "skip", "ours")}
    grid = grid_of_throws()
    seen = observe(grid, 0.1, held_out(0))
    page(
        path,
        inputs,
        positions,
        {name: reference.predict(numbers, inputs) for name, numbers in shown.items()},
        {name: np.mean((reference.predict(n, seen) - grid) ** 2, axis=(0, 2)) for name, n in shown.items()},
        by_name(steps),
    )
