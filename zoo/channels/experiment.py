"""The choice of channels, from a seed to a folder of files, and what can be done with the folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.archives import write_json
from zoo.channels.data import SETS, Channels
from zoo.channels.front import hypervolume
from zoo.channels.network import build, prune, shrink
from zoo.channels.picture import page
from zoo.channels.recipe import Recipe
from zoo.channels.searches import SEARCHES, Problem, brute_force
from zoo.channels.training import accuracy, costs, fit_model, full, judge, pruned_accuracy
from zoo.quiet import quiet_saving
from zoo.screen import Report
from zoo.tables import aligned, mean_and_spread
from zoo.training import workplace

FEW = 1_000
"""So many choices are all evaluated, so that searches are measured against the true front."""

Result = dict[str, Any]
Array = np.ndarray


def train(
    *,
    out: Path | str | None = None,
    data: str = "landsat",
    seed: int = 0,
    recipe: Recipe | None = None,
    report: Report = print,
) -> Result:
    """Trains networks with and without dropped channels, searches, prunes and fine-tunes.

    Args:
        out: folder for the files; None writes nothing. A training that was stopped there goes on.
        data: out of `SETS`.
        seed: of the first training; the next has the next.
        recipe: how.
        report: takes every line of progress.
    """
    recipe = recipe or Recipe()
    out = None if out is None else Path(out)
    held = SETS[data]()
    count = len(held.names)
    if recipe.batch_size > len(held.train[0]):
        raise ValueError(f"a batch of {recipe.batch_size} is larger than the set of {len(held.train[0])} images")
    result: Result = {"data": data, "origin": held.origin, "names": list(held.names), "dropped": {}, "searches": {}}
    with workplace(out, {"data": data, "seed": seed, **asdict(recipe)}, report) as folder:
        models = {}
        for name, rate in (("plain", 0.0), ("dropout", recipe.dropout)):
            rows = []
            for index in range(recipe.seeds):
                model = build(held.sides, count, held.classes, rate=rate, filters=recipe.filters, seed=seed + index)
                place = folder / f"{name}-{index}"
                title = f"{name}, seed {seed + index}"
                fit_model(
                    model,
                    held,
                    recipe,
                    epochs=recipe.epochs,
                    seed=seed + index,
                    folder=place,
                    report=report,
                    name=title,
                )
                rows.append(
                    [accuracy(model, held.test, genes) for genes in [*_without_one(count), 0 * full(count, 1)[0]]]
                )
                models.setdefault(name, model)
            result["dropped"][name] = rows
        result["baselines"] = _baselines(held)
        chosen = models["dropout"]
        _search(result, chosen, held, recipe, seed, report)
        pruned = _points(result, chosen, held, recipe, seed)
        if out is not None:
            with quiet_saving():
                chosen.save(out / "channels.keras")
                for index, model in enumerate(pruned):
                    model.save(out / f"pruned-{index}.keras")
            write_json(out / "results.json", result)
            _draw(out / "channels.png", result)
    return result


def train_command(*, out: Path, seed: int, report: Report, data: str, **changes: Any) -> str:
    """`train` as the command line has it; returns what to print."""
    result = train(out=out, data=data, seed=seed, recipe=Recipe().changed(**changes), report=report)
    return f"{tables(result)}\n\n{out}: {', '.join(sorted(path.name for path in out.iterdir()))}"


def evaluate(out: Path) -> str:
    """The tables of a folder.

    Raises:
        ValueError: no results there.
    """
    return tables(_read(out))


def show(out: Path) -> Path:
    """Draws channels.png for the results in a folder, and returns its path.

    Raises:
        ValueError: no results there, or not the data they are of.
    """
    _draw(out / "channels.png", _read(out))
    return out / "channels.png"


def tables(result: Mapping[str, Any]) -> str:
    """What dropping channels costs, what the searches found, and what three choices are worth."""
    names = result["names"]
    lines = [["accuracy", "all", *(f"no {name}" for name in names), "none"]]
    for name, rows in result["dropped"].items():
        columns = np.array(rows).T
        lines.append([name, *(mean_and_spread(one.mean(), one.std(), 3) for one in columns)])
    baselines = ", ".join(f"{name} {value:.3f}" for name, value in result["baselines"].items())
    found = [["search", "evaluations", "hypervolume", "of the best known", "front"]]
    best = max(max(one["volumes"]) for one in result["searches"].values())
    for name, one in result["searches"].items():
        volumes = np.array(one["volumes"])
        parts = (mean_and_spread(values.mean(), values.std(), 3) for values in (volumes, volumes / best))
        found.append([name, f"{np.mean(one['evaluations']):.0f}", *parts, f"{len(one['genes'])}"])
    points = [["choice", "cost", "on the search's split", "on test images", "fine-tuned", "trained anew"]]
    for one in result["points"]:
        numbers = (one[key] for key in ("cost", "search", "test", "tuned", "anew"))
        points.append([_words(one["genes"], names), *(f"{number:.3f}" for number in numbers)])
    parts = [aligned(lines), baselines, aligned(found), aligned(points)]
    return f"{result['data']}, {result['origin']}\n" + "\n\n".join(parts)


def _words(genes: list[int], names: list[str]) -> str:
    return ", ".join(f"{name}/{2 ** (gene - 1)}" for gene, name in zip(genes, names, strict=True) if gene) or "none"


def _without_one(count: int) -> Array:
    genes = full(count, count + 1)
    genes[np.arange(1, count + 1), np.arange(count)] = 0
    return genes


def _baselines(data: Channels) -> dict[str, float]:
    from sklearn.neighbors import KNeighborsClassifier

    (x, y), (x_test, y_test) = data.train, data.test
    near = KNeighborsClassifier(3).fit(x.reshape(len(x), -1), y)
    largest = np.bincount(y).argmax()
    return {
        "k-NN on pixels": float(near.score(x_test.reshape(len(x_test), -1), y_test)),
        "the largest class": float(np.mean(y_test == largest)),
    }


def _search(result: Result, model: keras.Model, data: Channels, recipe: Recipe, seed: int, report: Report) -> None:
    """Every search, as often as there are seeds, on one network; hypervolumes below the loss of no channels at all."""
    evaluate, count, choices = judge(model, data, recipe.judged), len(data.names), len(data.sides) + 1
    known: dict[tuple[int, ...], Array] = {}

    def remembered(genes: Array) -> Array:
        """The network's answer, asked for once, whichever search asks; every search still counts it."""
        new = [one for one in map(tuple, genes.tolist()) if one not in known]
        if new:
            known.update(zip(new, evaluate(np.array(new)), strict=True))
        return np.array([known[one] for one in map(tuple, genes.tolist())])

    nothing = float(remembered(np.zeros((1, count), int))[0, 0])
    corner = (nothing * 1.001, 1.001)
    whole = choices**count <= FEW
    searches = {**({"all choices": brute_force} if whole else {}), **SEARCHES}
    for name, search in searches.items():
        volumes, evaluations = [], []
        for index in range(recipe.seeds):
            problem = Problem(remembered, count, choices)
            size = {"population": recipe.population} if name in ("scalar, as published", "NSGA-II") else {}
            search(problem, max(recipe.evaluations, FEW if name == "all choices" else 0), seed + index, **size)
            genes, values = problem.found()
            volumes.append(hypervolume(values, corner))
            evaluations.append(len(problem.seen))
            if not index:
                held = {"genes": genes.tolist(), "values": values.tolist()}
        result["searches"][name] = {"volumes": volumes, "evaluations": evaluations, **held}
        report(f"{name}: hypervolume {np.mean(volumes):.4f} after {np.mean(evaluations):.0f} evaluations")
    random = Problem(remembered, count, choices)
    SEARCHES["random"](random, 1_000, seed + 1_000)
    result["scattered"] = [value.tolist() for value in random.seen.values()]


def _points(result: Result, model: keras.Model, data: Channels, recipe: Recipe, seed: int) -> list[keras.Model]:
    """Three choices of the best front, from cheap to dear: pruned, fine-tuned, and trained anew."""
    searches = result["searches"]
    best = max(searches, key=lambda name: searches[name]["volumes"][0])
    genes = np.array([one for one in searches[best]["genes"] if any(one)])
    rows = sorted({0, len(genes) // 2, len(genes) - 1} if len(genes) > 1 else {0})
    if len(genes) > 3:
        rows = [len(genes) // 4, len(genes) // 2, len(genes) - 1]
    result["points"], made = [], []
    for chosen in genes[rows]:
        small = prune(model, chosen)
        how = {"epochs": recipe.tuning, "seed": seed, "genes": chosen}
        masked = {part: accuracy(model, getattr(data, part), chosen) for part in ("search", "test")}
        fit_model(small, data, recipe, **how)
        anew = keras.models.clone_model(small)
        fit_model(anew, data, recipe, **{**how, "epochs": recipe.epochs})
        result["points"].append(
            {
                "genes": chosen.tolist(),
                "cost": float(costs(chosen[None], data.sides)[0]),
                **masked,
                "tuned": pruned_accuracy(small, data.test, chosen, data.sides),
                "anew": pruned_accuracy(anew, data.test, chosen, data.sides),
            }
        )
        made.append(small)
    return made


def _read(out: Path) -> Result:
    path = out / "results.json"
    if not path.is_file():
        raise ValueError(f"there is no {path}: train first, with python -m zoo train channels")
    try:
        result = json.loads(path.read_text())
        tables(result)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}; train again, with python -m zoo train channels") from error
    return result


def _draw(path: Path, result: Result) -> None:
    data = SETS[result["data"]]()
    image = keras.ops.convert_to_tensor(data.test[0][:1])
    images = [keras.ops.convert_to_numpy(shrink(image, side))[0] for side in data.sides]
    fronts = {name: np.array(one["values"]) for name, one in result["searches"].items()}
    dropped = {name: np.mean(rows, axis=0)[:-1].tolist() for name, rows in result["dropped"].items()}
    scattered = np.array(result["scattered"])
    page(path, scattered, fronts, images, result["names"], dropped)
