"""The lines, from points to a folder of files, and what can be done with the folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.archives import write_csv, write_json
from zoo.line import compiled, ensemble, gradient, layer, normal_equation, parallel
from zoo.line.descent import best_descent
from zoo.line.gradient import Line
from zoo.line.picture import page
from zoo.line.points import SITUATIONS, Points, situation
from zoo.line.recipe import Recipe
from zoo.quiet import quiet_saving
from zoo.screen import Report
from zoo.tables import aligned
from zoo.training import History, workplace

METHODS = ("gradient", "compiled", "parallel", "Keras", "ensemble")
FILES = ("line.keras", "line.h5", "lines.json", "history.csv", "line.png")

Lines = dict[str, dict[str, list[Line]]]
"""By situation and method: one line, or one of each member."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        lines: where each method ended.
        history: of the Keras layer in the first situation.
        recipe, seed: what the points are made of.
    """

    lines: Lines
    history: History
    recipe: Recipe
    seed: int

    def points(self, name: str) -> Points:
        """The points of a situation."""
        return situation(name, count=self.recipe.points, noise=self.recipe.noise, seed=self.seed)


def train(
    *,
    out: Path | str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    situations: Sequence[str] = tuple(SITUATIONS),
    report: Report = print,
) -> Trained:
    """Fits a line by every method in every situation.

    Args:
        out: folder for `FILES`; None writes nothing. A training that was stopped there goes on.
        seed: of points and ensemble.
        recipe: how many points, devices and members.
        situations: out of `SITUATIONS`.
        report: takes every line of progress.
    """
    recipe = recipe or Recipe()
    out = None if out is None else Path(out)
    devices = parallel.devices(recipe.devices)
    trained = Trained({}, [], recipe, seed)
    with workplace(out, {"seed": seed, "situations": list(situations), **asdict(recipe)}, report) as folder:
        for index, name in enumerate(situations):
            points = trained.points(name)
            descent = best_descent(points)
            report(f"{name}: condition {descent.condition:.3g}, {descent.steps:,} steps")
            places = {one: folder / f"{index}-{one}" for one in ("layer", "ensemble")}
            line, history = layer.fit(points, descent, folder=places["layer"], report=report, name="Keras")
            members, _ = ensemble.fit(
                points,
                descent,
                members=recipe.members,
                seed=seed,
                folder=places["ensemble"],
                report=report,
                name="ensemble",
            )
            trained.lines[name] = {
                "gradient": [gradient.fit(points, descent)],
                "compiled": [compiled.fit(points, descent)],
                "parallel": [parallel.fit(points, descent, devices)],
                "Keras": [line],
                "ensemble": members,
            }
            if not index:
                trained.history.extend({key: row[key] for key in row if key != "seconds"} for row in history)
        if out is not None:
            _write(out, trained)
    return trained


def train_command(*, out: Path, seed: int, report: Report, **changes: Any) -> str:
    """`train` as the command line has it; returns what to print."""
    trained = train(out=out, seed=seed, recipe=Recipe().changed(**changes), report=report)
    return f"{table(trained)}\n\n{out}: {', '.join(FILES)}"


def evaluate(out: Path) -> str:
    """The table of the lines in a folder.

    Raises:
        ValueError: no lines there.
    """
    return table(_read(out))


def show(out: Path) -> Path:
    """Draws line.png for the lines in a folder, and returns its path.

    Raises:
        ValueError: no lines there.
    """
    _draw(out / "line.png", _read(out))
    return out / "line.png"


def table(trained: Trained) -> str:
    """A row for each situation: steps, and how far from the normal equation every method ended."""
    head = ["distance from the normal equation", "condition", "steps", "without momentum", *METHODS, "lstsq"]
    rows = [head]
    for name, lines in trained.lines.items():
        points = trained.points(name)
        descent, answer = best_descent(points), normal_equation.solve(points)
        columns = np.stack([points.x, np.ones_like(points.x)], axis=1)
        lines = {**lines, "lstsq": [np.linalg.lstsq(columns, points.y)[0]]}
        distances = [f"{np.abs(np.array(lines[method]) - answer).max():.1e}" for method in (*METHODS, "lstsq")]
        steps = [f"{count:,}" for count in (descent.steps, descent.plain_steps)]
        rows.append([name, f"{descent.condition:.3g}", *steps, *distances])
    return aligned(rows)


def _write(out: Path, trained: Trained) -> None:
    model = layer.device_line(next(iter(trained.lines.values()))["Keras"][0])
    with quiet_saving():
        model.save(out / "line.keras")
        model.save(out / "line.h5")
    write_csv(out / "history.csv", trained.history)
    write_json(out / "lines.json", {"seed": trained.seed, "recipe": asdict(trained.recipe), "lines": trained.lines})
    _draw(out / "line.png", trained)


def _read(out: Path) -> Trained:
    path = out / "lines.json"
    if not path.is_file():
        raise ValueError(f"there is no {path}: train first, with python -m zoo train line")
    try:
        held: Mapping[str, Any] = json.loads(path.read_text())
        lines = {name: {method: held["lines"][name][method] for method in METHODS} for name in held["lines"]}
        if not lines.keys() <= SITUATIONS.keys():
            raise ValueError("it names other situations than there are")
        return Trained(lines, [], Recipe(**held["recipe"]), held["seed"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}; train again, with python -m zoo train line") from error


def _draw(path: Path, trained: Trained) -> None:
    name = next(iter(trained.lines))
    points = trained.points(name)
    ways = {}
    for other in trained.lines:
        descent = best_descent(trained.points(other))
        every = max(1, descent.steps // 200)
        passed = gradient.path(trained.points(other), descent, every)
        ways[other] = every, np.abs(passed - normal_equation.solve(trained.points(other))).max(axis=1)
    page(path, points, gradient.path(points, best_descent(points)), normal_equation.solve(points), ways)
