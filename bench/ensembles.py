"""Ten untrained networks in one pass, beside ten passes; every figure is the least of several."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from compiler import cli
from compiler.tables import table
from zoo.quiet import quiet_import

with quiet_import():
    import keras

    from zoo.ensembles.grouped import grouped
    from zoo.ensembles.members import split
    from zoo.ensembles.random_ensemble import random_ensemble

MEMBERS = 10
RUNS = 5
# Images and batch size: one example of the published test, a batch, and all of the test in Keras' batches and in one.
SETTINGS = ((11, 11), (64, 64), (1100, 32), (1100, 1100))


def fastest(run: Callable[[], object]) -> float:
    """Milliseconds of the fastest run, after one that builds and warms."""
    run()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main() -> None:
    """Prints the tables."""
    stack = random_ensemble(MEMBERS, seed=0).get_layer("members")
    images = keras.Input((32, 32, 3))
    one_pass = keras.Model(images, stack(images))
    side_by_side, members = grouped(stack), split(stack)
    sample = np.random.default_rng(0).uniform(size=(64, 32, 32, 3)).astype(np.float32)
    apart = np.stack([member.predict(sample, verbose=0) for member in members], axis=1)
    for name, model in (("stacked", one_pass), ("grouped", side_by_side)):
        print(f"{name} and separate members differ by {np.abs(model.predict(sample, verbose=0) - apart).max():.1e}")

    rows = [("milliseconds", *(f"{images} images by {batch}" for images, batch in SETTINGS))]
    found: dict[str, list[float]] = {}
    for number, batch in SETTINGS:
        x = np.random.default_rng(number).uniform(size=(number, 32, 32, 3)).astype(np.float32)
        batches = np.split(x, range(batch, number, batch))
        cases: dict[str, Callable[[], object]] = {
            "ten predict calls": lambda x=x, n=batch: [m.predict(x, batch_size=n, verbose=0) for m in members],
            "stacked, one predict": lambda x=x, n=batch: one_pass.predict(x, batch_size=n, verbose=0),
            "grouped, one predict": lambda x=x, n=batch: side_by_side.predict(x, batch_size=n, verbose=0),
            "ten direct calls": lambda parts=batches: [m(part).numpy() for m in members for part in parts],
            "stacked, one direct call": lambda parts=batches: [one_pass(part).numpy() for part in parts],
        }
        for name, run in cases.items():
            found.setdefault(name, []).append(fastest(run))
    rows += [(name, *(f"{value:.1f}" for value in values)) for name, values in found.items()]
    for one, ten in (("stacked, one predict", "ten predict calls"), ("stacked, one direct call", "ten direct calls")):
        ratios = (a / b for a, b in zip(found[ten], found[one], strict=True))
        rows.append((f"{ten} / {one}", *(f"{ratio:.1f} x" for ratio in ratios)))
    print(f"\n{MEMBERS} members of 397,696 parameters\n")
    print(table(rows, right=range(1, len(SETTINGS) + 1)))


if __name__ == "__main__":
    cli.guard(main)
