"""Image similarity on CIFAR-10: the published recipe and ours beside the neighbours of raw pixels, over three seeds.

    python -m bench.metric_learning                 # everything, about 25 minutes on two cores
    python -m bench.metric_learning --trainings 1   # one training that is still missing, then the table so far

A finished training is kept in build/bench/metric_learning/ and is not repeated. Images come from $ZOO_DATA.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from compiler import cli
from zoo.arguments import whole
from zoo.datasets import IMAGES, Images
from zoo.metric_learning.recipe import RECIPES
from zoo.quiet import quiet_import

FOLDER = Path("build/bench/metric_learning")
SEEDS = 3


def result(images: Images, recipe: str, seed: int, *, start: bool) -> dict[str, Any] | None:
    """What a training reached: from its file; else by training, if it may start one; else None."""
    path = FOLDER / f"{images.name}-{recipe}-{seed}.json"
    if path.is_file():
        return json.loads(path.read_text())
    if not start:
        return None
    from zoo.metric_learning.experiment import train

    trained = train(images, RECIPES[recipe], seed=seed, out=FOLDER / path.stem)
    found = {
        "scores": trained.scores,
        "loss": trained.history[-1]["loss"],
        "seconds": trained.seconds,
        "cpu_seconds": trained.cpu_seconds,
        "parameters": trained.model.count_params(),
        "origin": images.origin,
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps(found, indent=2) + "\n")
    new.replace(path)
    return found


def spread(values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation; NaN for the latter where a single value has none."""
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else float("nan")


def report(images: Images, found: dict[str, list[dict[str, Any]]]) -> str:
    """The table, and what each recipe took."""
    from zoo.metric_learning.evaluation import COLUMNS, PIXELS, table
    from zoo.metric_learning.experiment import pixel_scores

    rows, notes = {PIXELS: pixel_scores(images)}, []  # which learn nothing, and have no seeds to deviate by
    for recipe, results in found.items():
        if not results:
            continue
        columns = {c: spread([one["scores"][recipe][c] for one in results]) for c in COLUMNS}
        rows[recipe] = ({c: mean for c, (mean, _) in columns.items()}, {c: by for c, (_, by) in columns.items()})
        loss, cpu = (spread([one[name] for one in results]) for name in ("loss", "cpu_seconds"))
        by = f" +- {loss[1]:.3f}" if len(results) > 1 else ""
        notes.append(
            f"{recipe:10} {len(results)} seed{'s' * (len(results) > 1)}, {results[0]['parameters']:,} parameters, loss "
            f"{loss[0]:.3f}{by}, training {min(one['seconds'] for one in results):.0f} to "
            f"{max(one['seconds'] for one in results):.0f} s, processor {cpu[0]:.0f} s"
        )
    caption = f"{images.name} ({images.origin}): {len(images.y_test):,} test images, each against all others"
    return "\n".join([caption, "", table(rows), "", *notes])


def main(argv: list[str] | None = None) -> None:
    """Trains what is missing and prints the table."""
    parser = cli.Parser(prog="python -m bench.metric_learning", description=__doc__.split("\n")[0])
    parser.add_argument("--data", choices=list(IMAGES), default="cifar10", help="which images (default: cifar10)")
    parser.add_argument("--seeds", type=whole, default=SEEDS, metavar="N", help=f"seeds 0 to N - 1 (default: {SEEDS})")
    parser.add_argument("--trainings", type=whole, metavar="N", help="start at most so many (default: all)")
    arguments = parser.parse_args(argv)
    with quiet_import(fast_convolutions=True):
        import keras  # noqa: F401
    images = IMAGES[arguments.data]()
    FOLDER.mkdir(parents=True, exist_ok=True)
    left = arguments.trainings if arguments.trainings is not None else len(RECIPES) * arguments.seeds
    found: dict[str, list[dict[str, Any]]] = {recipe: [] for recipe in RECIPES}
    for seed in range(arguments.seeds):
        for recipe in RECIPES:
            known = result(images, recipe, seed, start=False)
            if known is None and left:
                known, left = result(images, recipe, seed, start=True), left - 1
            found[recipe] += [known] if known else []
    print(f"\n{report(images, found)}")


if __name__ == "__main__":
    cli.guard(main)
