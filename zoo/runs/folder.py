"""Folders of runs: `runs/<name>/<number>/`, made in one step, and what is recorded in them."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.archives import write_json
from zoo.runs.config import Config
from zoo.runs.environment import environment, git

DATA, MODEL, FLAGS, SESSIONS, METRICS = "data.py", "model.py", "flags.json", "sessions", "metrics.csv"
RUNS = Path("runs")


def check_name(name: str) -> str:
    """A name that is one folder, and no more.

    Raises:
        ValueError: it is not.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise ValueError(f"{name!r} is no name for a run: letters, digits, and . _ - after the first")
    return name


def numbers(place: Path) -> list[int]:
    """The numbers of the runs in `runs/<name>`, from the first."""
    if not place.is_dir():
        return []
    return sorted(int(path.name) for path in place.iterdir() if path.name.isdecimal() and (path / FLAGS).is_file())


def make_run(runs: Path, name: str, data: Config, model: Config, record: Mapping[str, Any]) -> Path:
    """Makes the folder of a new run, with both configurations and all flags.

    It is written beside its place and then moved there: a folder with a number is complete. Numbers count up and are
    never given twice, not by two processes and not after a run was deleted.

    Args:
        runs: where the runs are.
        name: of the run.
        data, model: the configurations.
        record: what goes into flags.json.
    """
    place = runs / check_name(name)
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".number").open("a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        given = counter.read().strip()
        taken = [int(path.name) for path in place.iterdir() if path.name.isdecimal()]
        number = max([int(given) if given.isdecimal() else 0, *taken]) + 1
        being_made = place / ".being-made"
        shutil.rmtree(being_made, ignore_errors=True)  # of a process that was killed here
        being_made.mkdir()
        (being_made / DATA).write_text(data.text, encoding="utf-8")
        (being_made / MODEL).write_text(model.text, encoding="utf-8")
        write_json(being_made / FLAGS, record)
        counter.seek(0)
        counter.truncate()
        counter.write(str(number))
        counter.flush()
        os.fsync(counter.fileno())
        folder = place / str(number)
        being_made.rename(folder)
    return folder


def read_record(folder: Path) -> dict[str, Any]:
    """The flags.json of a run.

    Raises:
        ValueError: the folder is no run, or an incomplete one.
    """
    missing = [name for name in (FLAGS, DATA, MODEL) if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} is not a run: it has no {', '.join(missing)}")
    try:
        return json.loads((folder / FLAGS).read_text())
    except ValueError as error:
        raise ValueError(f"{folder / FLAGS} is damaged: {error}") from error


def record_session(folder: Path) -> list[str]:
    """Writes down code and environment of a training that begins or continues.

    Returns:
        How they differ from those of the first session.
    """
    sessions = folder / SESSIONS
    earlier = [int(path.name) for path in sessions.iterdir()] if sessions.exists() else []
    own = sessions / str(max(earlier, default=0) + 1)
    own.mkdir(parents=True)
    state, diff = git(Path.cwd())
    now = environment()
    write_json(own / "environment.json", now)
    write_json(own / "git.json", state)
    (own / "changes.diff").write_bytes(diff)
    first = sessions / str(min(earlier, default=1))
    if first == own:
        return []
    try:
        then, code = (json.loads((first / name).read_text()) for name in ("environment.json", "git.json"))
        then_diff = (first / "changes.diff").read_bytes()
    except (OSError, ValueError):
        return ["what the first session depended on was not recorded completely"]
    notes = [
        f"{what} was {before} and is {after}"
        for what, before, after in [
            ("the commit", code.get("commit"), state.get("commit")),
            *((key, then[key], now[key]) for key in ("python", "processor", "threads", "settings")),
        ]
        if before != after
    ]
    if code.get("commit") == state.get("commit") and then_diff != diff:
        notes.append("the code has been changed")
    packages = {*then["packages"].items()} ^ {*now["packages"].items()}
    if packages:
        notes.append(f"other packages: {', '.join(sorted({name for name, _ in packages}))}")
    return notes


def find_run(runs: Path, which: str) -> Path:
    """The folder of a run: a path to it, `name/number`, or `name` for the last of that name.

    Raises:
        ValueError: there is none.
    """
    for path in (Path(which), runs / which):
        if (path / FLAGS).is_file():
            return path
    for path in (Path(which), runs / which):
        known = numbers(path)
        if known:
            return path / str(known[-1])
    names = sorted(path.name for path in runs.iterdir() if numbers(path)) if runs.is_dir() else []
    raise ValueError(f"there is no run {which} in {runs}, which holds {', '.join(names) or 'none'}")
