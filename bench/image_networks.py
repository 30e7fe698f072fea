"""The zoo's image networks on a microcontroller: what the C decides and finds beside Keras, and what it costs.

    python -m zoo train calibration; python -m zoo train metric_learning
    python -m bench.image_networks

Takes the networks that those two commands leave in build/zoo/; images come from $ZOO_DATA.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import compiler
from compiler import cli
from compiler.build import Build
from compiler.mcu.target import MCU
from compiler.tables import table
from zoo.quiet import quiet_import

DECISIONS = Path("build/zoo/calibration/device.keras")
EMBEDDING = Path("build/zoo/metric_learning/embedding.keras")
TOLERANCE = 1e-5
"""How far the C may be from Keras in float, relative to the largest number or to one."""


def near_a_boundary(model: Any, x: np.ndarray) -> np.ndarray:
    """Images for which a change of the logits within the tolerance could change a decision, as booleans."""
    import keras

    # The flag says whether a score is greater than a number; the class is the place of the greatest logit.
    layers = model.get_config()["layers"]
    threshold = next(layer["inbound_nodes"][0]["args"][1] for layer in layers if layer["class_name"] == "Greater")
    score, logits = (next(o for o in model.operations if type(o).__name__ == kind) for kind in ("Greater", "Argmax"))
    logits, score = keras.Model(model.input, [logits.input, score.input]).predict(x, verbose=0)
    reach = 2 * TOLERANCE * max(1.0, float(np.abs(logits).max()))
    first, second = np.sort(logits, axis=-1)[:, ::-1][:, :2].T
    return (first - second <= reach) | (np.abs(np.ravel(score) - threshold) <= reach)


def cost(build: Build, frame: np.ndarray) -> tuple[str, str, str]:
    """Instructions a frame, flash and RAM of a linked image."""
    sizes = MCU.measure(build.folder, build.graph)
    counted = MCU.execute(build.folder, build.graph, [frame[None].astype(np.float32)], "emulator").figures
    return tuple(
        f"{found:,.0f}" for found in (counted["instructions_per_frame"], sizes["flash_bytes"], sizes["ram_bytes"])
    )


def decisions(path: Path, folder: Path) -> tuple[str, ...]:
    """Class, confidence and flag of 1,000 images: a row of the table."""
    import keras

    from zoo.splits import load, pixels

    splits = load("cifar10")
    x = np.concatenate([pixels(part) for part in (splits.test.x[:600], splits.hard[:200], splits.easy[:200])])
    model = keras.saving.load_model(path, compile=False)
    build = compiler.compile(path, "mcu", out=folder / "decisions", mode="frame")
    theirs = model.predict(x, verbose=0)
    ours = dict(zip(sorted(theirs), build.run(x, on="host").values(), strict=True))
    wrong = {key: np.ravel(ours[key]) != np.ravel(theirs[key]) for key in ("class", "flag")}
    near = near_a_boundary(model, x)
    confidence = np.abs(np.ravel(ours["confidence"]) - theirs["confidence"]).max()
    differ = wrong["class"] | wrong["flag"]
    what = (
        f"{wrong['class'].sum()} classes and {wrong['flag'].sum()} flags of {len(x):,} differ, "
        f"{(differ & ~near).sum()} of them away from a boundary ({near.sum()} images are near one); "
        f"confidence within {confidence:.0e}"
    )
    return (f"decision network, {model.count_params():,} parameters", what, *cost(build, x[0]))


def neighbours(path: Path, folder: Path) -> tuple[str, ...]:
    """The ten nearest neighbours of 1,000 test images among each other: a row of the table."""
    import keras

    from zoo.datasets import cifar10
    from zoo.metric_learning.evaluation import embed
    from zoo.metric_learning.index import Index

    data = cifar10()
    x, labels = data.x_test[:1000], data.y_test[:1000]
    model = keras.saving.load_model(path, compile=False)
    build = compiler.compile(path, "mcu", out=folder / "neighbours", mode="frame")
    ours, theirs = build.run(x.astype(np.float32), on="host"), embed(model, x)
    found = []
    for embeddings in (ours, theirs):
        index = Index()
        index.add(embeddings, labels)
        found.append(index.neighbours_of_each_other(10))
    swapped = found[0].numbers != found[1].numbers
    ties = np.abs(found[0].distances - found[1].distances) <= 1e-6
    what = (
        f"{swapped.sum()} of {swapped.size:,} neighbours differ, {(swapped & ~ties).sum()} of them no ties; "
        f"embeddings within {np.abs(ours - theirs).max():.0e}"
    )
    return (f"embedding network, {model.count_params():,} parameters", what, *cost(build, x[0].astype(np.float32)))


def main(argv: list[str] | None = None) -> None:
    """Prints the table."""
    parser = cli.Parser(prog="python -m bench.image_networks", description=__doc__.split("\n")[0])
    parser.add_argument("--decisions", type=Path, default=DECISIONS, help=f"a decision network (default: {DECISIONS})")
    parser.add_argument("--embedding", type=Path, default=EMBEDDING, help=f"an embedding (default: {EMBEDDING})")
    arguments = parser.parse_args(argv)
    for path, system in ((arguments.decisions, "calibration"), (arguments.embedding, "metric_learning")):
        if not path.is_file():
            parser.error(f"there is no {path}: train first, with python -m zoo train {system}")
    with quiet_import():
        import keras  # noqa: F401
    with tempfile.TemporaryDirectory() as folder:
        rows = [decisions(arguments.decisions, Path(folder)), neighbours(arguments.embedding, Path(folder))]
    print(table([("network", "C beside Keras", "instructions a frame", "flash", "RAM"), *rows], right=range(2, 5)))


if __name__ == "__main__":
    cli.guard(main)
