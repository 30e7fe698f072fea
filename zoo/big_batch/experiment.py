"""The big batches, from a seed to a folder of files, and what can be done with the folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.archives import write_json
from zoo.big_batch.data import SETS, Set, cost_of_augmentation
from zoo.big_batch.loop import OPTIMIZERS, Outcome, build
from zoo.big_batch.loop import train as train_model
from zoo.big_batch.picture import page
from zoo.big_batch.recipe import RATES, Recipe
from zoo.quiet import quiet_saving
from zoo.screen import Report
from zoo.tables import aligned, mean_and_spread

Result = dict[str, Any]


def train(
    *,
    out: Path | str | None = None,
    data: Sequence[str] = ("landsat", "cifar10"),
    seed: int = 0,
    recipe: Recipe | None = None,
    report: Report = print,
) -> Result:
    """Trains with every optimizer and batch, on every set.

    Args:
        out: folder for the files; None writes nothing.
        data: out of `SETS`.
        seed: of the first training; the next has the next.
        recipe: how.
        report: takes every line of progress.

    Raises:
        ValueError: a batch larger than a set.
    """
    recipe = recipe or Recipe()
    held = [SETS[name]() for name in data]
    for one in held:
        count = len(one.train[0])
        if max(recipe.batch_size, recipe.middle) > count:
            raise ValueError(
                f"a batch of {max(recipe.batch_size, recipe.middle):,} is larger than the set of {count:,} images"
            )
    result: Result = {"rows": [], "augmentation": {}, "recipe": asdict(recipe)}
    best, best_model = -1.0, None
    for one in held:
        few = len(one.train[0]) // 8
        result["augmentation"][one.name] = cost_of_augmentation(one.train[0][:few], one.train[1][:few])
        for batch in (recipe.batch_size, recipe.middle, len(one.train[0])):
            for equal in ("epochs", "steps"):
                per_epoch = -(-len(one.train[0]) // batch)
                steps = recipe.steps if equal == "steps" else recipe.epochs * per_epoch
                for optimizer in OPTIMIZERS:
                    row, model = _row(one, recipe, optimizer, batch, steps, seed)
                    result["rows"].append({"set": one.name, "origin": one.origin, "equal": equal, **row})
                    found = np.mean([outcome["best"] for outcome in row["outcomes"]])
                    report(f"{one.name}, batch {batch:,}, {steps:,} steps, {optimizer}: {found:.3f}")
                    if one is held[0] and found > best:
                        best, best_model = found, model
    if out is not None:
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        with quiet_saving():
            best_model.save(out / "big_batch.keras")
        write_json(out / "results.json", result)
        page(out / "big_batch.png", result["rows"])
    return result


def _row(one: Set, recipe: Recipe, optimizer: str, batch: int, steps: int, seed: int) -> tuple[Result, Any]:
    """The rate that is best for the first seed, then the trainings of all seeds with it."""

    def run(rate: float, number: int) -> tuple[Outcome, Any]:
        model = build(one, recipe.units, seed + number)
        how = {"optimizer": optimizer, "rate": rate, "batch": batch, "steps": steps}
        return train_model(model, one, **how, warm_up=recipe.warm_up, seed=seed + number), model

    tried = {rate: run(rate, 0) for rate in (recipe.learning_rate * one for one in RATES[optimizer])}
    rate = max(tried, key=lambda rate: tried[rate][0].best)
    outcomes = [tried[rate][0], *(run(rate, number)[0] for number in range(1, recipe.seeds))]
    row = {"optimizer": optimizer, "batch": batch, "steps": steps, "rate": rate, "at_end": rate in _ends(tried)}
    return {**row, "outcomes": [asdict(outcome) for outcome in outcomes]}, tried[rate][1]


def _ends(tried: Mapping[float, Any]) -> tuple[float, float]:
    return min(tried), max(tried)


def train_command(*, out: Path, seed: int, report: Report, data: str, **changes: Any) -> str:
    """`train` as the command line has it; returns what to print."""
    names = ("landsat", "cifar10") if data == "both" else (data,)
    given = Recipe()
    if changes.get("batch_size") and not changes.get("middle"):
        given = replace(given, middle=max(given.middle, changes["batch_size"]))
    result = train(out=out, data=names, seed=seed, recipe=given.changed(**changes), report=report)
    return f"{table(result)}\n\n{out}: {', '.join(sorted(path.name for path in out.iterdir()))}"


def evaluate(out: Path) -> str:
    """The table of a folder.

    Raises:
        ValueError: no results there.
    """
    return table(_read(out))


def show(out: Path) -> Path:
    """Draws big_batch.png for the results in a folder, and returns its path.

    Raises:
        ValueError: no results there.
    """
    page(out / "big_batch.png", _read(out)["rows"])
    return out / "big_batch.png"


def table(result: Mapping[str, Any]) -> str:
    """A row for each set, batch and optimizer, who won where, and what augmentation in advance costs."""
    head = ["set", "batch", "equal", "steps", "optimizer", "rate", "best accuracy", "images/s", "seconds to goal"]
    lines = [head]
    for row in result["rows"]:
        best, speed = (np.array([one[key] for one in row["outcomes"]]) for key in ("best", "images_per_second"))
        times = [one["to_goal"] for one in row["outcomes"]]
        goal = "-" if None in times else f"{np.mean(times):.2f}"
        rate = f"{row['rate']:.3g}{' (end)' if row['at_end'] else ''}"
        accuracy = mean_and_spread(best.mean(), best.std(), 3)
        cells = [f"{row['batch']:,}", row["equal"], f"{row['steps']:,}", row["optimizer"], rate, accuracy]
        lines.append([row["set"], *cells, f"{speed.mean():,.0f}", goal])
    parts = [aligned(lines)]
    for name, cost in result["augmentation"].items():
        parts.append(
            f"{name}: all eight in advance {cost['seconds once']:.2f} s once, {cost['bytes in advance'] / 1e6:.1f} MB; "
            f"drawn anew {cost['seconds each epoch']:.2f} s for as many images, each epoch, "
            f"{cost['bytes anew'] / 1e6:.1f} MB"
        )
    parts.append("(end): the best rate is at an end of what was tried")
    return "\n".join(parts)


def _read(out: Path) -> Result:
    path = out / "results.json"
    if not path.is_file():
        raise ValueError(f"there is no {path}: train first, with python -m zoo train big_batch")
    try:
        result = json.loads(path.read_text())
        table(result)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}; train again, with python -m zoo train big_batch") from error
    return result
