"""How good a run is: best and last weights, beside what its data configuration calls a baseline."""

from pathlib import Path

from zoo.runs.curves import table
from zoo.runs.run import load


def evaluate(path: Path | str, *, runs: Path | str = "runs") -> str:
    """A table of what the restored model reaches on held-out data.

    Args:
        path: a run's folder, its name or name/number.
        runs: where runs are that are given by name.

    Raises:
        ValueError: no such run, or no weights; or neither test nor validation data.
    """
    rows, notes = [], []
    for which in ("best", "last"):
        run = load(path, which=which, runs=runs)
        data = run.data.held_out("test")
        measured = "test data"
        if data is None:
            data, measured = run.data.held_out("validation"), "validation data"
        if data is None:
            raise ValueError(f"the data of {run.folder} have neither a test nor a validation part")
        rows.append((f"{which}, after epoch {run.epoch}", run.model.evaluate(data, return_dict=True, verbose=0)))
        notes += [note for note in run.notes if note not in notes]
    rows += run.data_config.baselines(run.data).items()
    return "\n".join([table(f"{run.folder}, {measured}", rows), *notes])
