"""Configurations, folders of runs and what is recorded in them; without TensorFlow."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from zoo.runs.config import merge_flags, read_config
from zoo.runs.curves import draw, read_metrics, table
from zoo.runs.environment import git
from zoo.runs.folder import check_name, find_run, make_run, numbers, read_record

GOOD = """
FLAGS = {"units": 3, "rate": 0.5, "name": "a", "sizes": [1, 2], "deep": True}

def load(flags, **given):
    return flags.units, flags.seed
"""


def written(folder, text, name="config.py"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_a_config_is_executed_with_its_flags(tmp_path):
    config = read_config(written(tmp_path, GOOD), "data")
    assert config.load(merge_flags([config], {"units": 7}, 5)) == (7, 5)
    assert config.callbacks({}) == []
    assert config.baselines(None) == {}
    assert list(tmp_path.iterdir()) == [tmp_path / "config.py"]  # no cache of compiled Python beside it


def test_classes_of_a_config_can_be_dataclasses(tmp_path):
    text = "from dataclasses import dataclass\n@dataclass\nclass A:\n    b: int = 1\ndef load(flags):\n    return A()\n"
    assert read_config(written(tmp_path, text), "data").load({}).b == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1", r"defines no function load\(flags, data\)"),
        ("def load(:", "is not Python"),
        ("a\0b", "is not Python"),
        ("FLAGS = 3\ndef load(flags): pass", "FLAGS must be a dict"),
        ("FLAGS = {'a b': 3}\ndef load(flags): pass", "FLAGS must be a dict"),
        ("FLAGS = {'seed': 3}\ndef load(flags): pass", "the flag seed is always there"),
        ("import beside\ndef load(flags): pass", "imports .*beside.py, which a run does not keep"),
        ("def load(flags):\n    from beside import x", "imports .*beside.py, which a run does not keep"),
        ("from . import beside\ndef load(flags): pass", "imports from its own folder"),
        ("import models_on_the_path\ndef load(flags): pass", "is no installed package"),
        ("import no_such_package_at_all\ndef load(flags): pass", "no_such_package_at_all, which is not installed"),
    ],
)
def test_configs_that_make_no_sense_are_refused(tmp_path, monkeypatch, text, complaint):
    written(tmp_path, "x = 1", "beside.py")
    written(tmp_path / "elsewhere", "x = 1", "models_on_the_path.py")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=complaint):
        read_config(written(tmp_path, text), "model")


def test_a_config_that_is_not_there(tmp_path):
    for path in (tmp_path / "none.py", tmp_path):
        with pytest.raises(ValueError, match=r"the data configuration .* is not there"):
            read_config(path, "data")


def test_installed_packages_and_the_project_may_be_imported(tmp_path):
    text = "import json, numpy\nfrom zoo.datasets import digits\nfrom sklearn import neighbors\ndef load(flags): pass"
    read_config(written(tmp_path, text), "data")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"unit": 3}, "neither configuration has a flag unit; there are units, rate"),
        ({"units": "three"}, "the flag units is 'three', but should be like its default, 3"),
        ({"units": 1.5}, "the flag units is 1.5"),
        ({"units": True}, "the flag units is True"),
        ({"deep": 1}, "the flag deep is 1"),
        ({"sizes": 3}, "the flag sizes is 3"),
        ({"seed": 3}, "neither configuration has a flag seed"),
    ],
)
def test_wrong_flags_are_refused(tmp_path, given, complaint):
    config = read_config(written(tmp_path, GOOD), "data")
    with pytest.raises(ValueError, match=complaint):
        merge_flags([config], given, 0)


def test_flags_of_both_configurations(tmp_path):
    one = read_config(written(tmp_path, GOOD), "data")
    two = read_config(written(tmp_path, "FLAGS = {'units': 3, 'new': None}\ndef load(flags): pass", "b.py"), "model")
    odd = read_config(written(tmp_path, "FLAGS = {'units': 4}\ndef load(flags): pass", "c.py"), "model")
    flags = merge_flags([one, two], {"rate": 1, "new": "x"}, 2)
    assert flags == {"units": 3, "rate": 1, "name": "a", "sizes": [1, 2], "deep": True, "new": "x", "seed": 2}
    with pytest.raises(ValueError, match="both configurations have the flag units, with defaults 3 and 4"):
        merge_flags([one, odd], {}, 0)


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".", "", ".hidden", "-x", "a b", "a\n", "ü"])
def test_names_that_are_no_folder(name):
    with pytest.raises(ValueError, match="is no name for a run"):
        check_name(name)


def make(place):
    config = read_config(place / "config.py", "data")
    return make_run(place / "runs", "same", config, config, {"flags": {}}).name


def make_many(place, ready):
    (place / f"ready{os.getpid()}").touch()
    while len(list(place.glob("ready*"))) < ready:
        time.sleep(0.001)
    return [int(make(place)) for _ in range(12)]


def test_processes_that_begin_at_the_same_moment_get_numbers_of_their_own(tmp_path):
    written(tmp_path, GOOD)
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("forkserver")) as pool:
        given = [number for numbers in pool.map(make_many, [tmp_path] * 4, [4] * 4) for number in numbers]
    assert sorted(given) == list(range(1, 49))
    assert numbers(tmp_path / "runs/same") == sorted(given)
    assert read_record(tmp_path / "runs/same/7") == {"flags": {}}


def test_numbers_are_never_given_twice(tmp_path):
    written(tmp_path, GOOD)
    assert [make(tmp_path), make(tmp_path)] == ["1", "2"]
    place = tmp_path / "runs/same"
    for file in (place / "2").iterdir():
        file.unlink()
    (place / "2").rmdir()
    assert make(tmp_path) == "3"
    (place / ".number").unlink()  # not even then, as long as the last one stands
    (place / ".being-made").mkdir()  # of a process that was killed
    assert make(tmp_path) == "4"
    assert (place / "4/data.py").read_text() == GOOD


def test_runs_are_found_by_path_name_and_number(tmp_path):
    written(tmp_path, GOOD)
    make(tmp_path), make(tmp_path)
    runs = tmp_path / "runs"
    for which, number in [("same", "2"), ("same/1", "1"), (str(runs / "same/1"), "1"), (str(runs / "same"), "2")]:
        assert find_run(runs, which) == runs / "same" / number
    with pytest.raises(ValueError, match=r"there is no run other in .*, which holds same"):
        find_run(runs, "other")
    with pytest.raises(ValueError, match="which holds none"):
        find_run(tmp_path / "nowhere", "same")
    (runs / "same/2/model.py").unlink()
    with pytest.raises(ValueError, match=r"is not a run: it has no model\.py"):
        read_record(runs / "same/2")
    (runs / "same/1/flags.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        read_record(runs / "same/1")


@pytest.fixture
def repository(tmp_path):
    def run(*words):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)

    run("init", "--quiet", "--initial-branch=trunk")
    run("config", "user.email", "a@example.org")
    run("config", "user.name", "A")
    (tmp_path / "inner").mkdir()
    (tmp_path / "picture").write_bytes(bytes(range(256)))
    (tmp_path / "inner/text").write_text("one\n")
    return tmp_path, run


def test_commit_and_diff_are_kept_with_binary_files(repository):
    place, run = repository
    assert "missing" in git(place)[0]  # no commit yet
    run("add", "."), run("commit", "-qm", "first")
    assert git(place) == ({**git(place)[0], "branch": "trunk", "changed": [], "untracked": []}, b"")
    (place / "picture").write_bytes(bytes(reversed(range(256))))
    (place / "inner/text").write_text("two\n")
    (place / "inner/ünt racked").write_text("")
    state, diff = git(place / "inner")
    assert state["changed"] == ["inner/text", "picture"]
    assert state["untracked"] == ["inner/ünt racked"]
    run("checkout", "-q", "--", ".")
    subprocess.run(["git", "apply"], cwd=place, input=diff, check=True)
    assert (place / "picture").read_bytes() == bytes(reversed(range(256)))
    assert (place / "inner/text").read_text() == "two\n"
    run("checkout", "-q", "--detach")
    assert git(place)[0]["branch"] is None
    assert len(git(place)[0]["commit"]) == 40


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "not a git repository" in git(tmp_path)[0]["missing"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git(tmp_path) == ({"missing": "git is not installed"}, b"")


def test_metrics_are_read_and_drawn(tmp_path):
    path = written(tmp_path, "epoch,loss,val_loss,seconds\n1,2.5,,0.1\n2,1.5,3,0.1\n", "metrics.csv")
    columns = read_metrics(path)
    assert columns["loss"] == [2.5, 1.5]
    assert columns["val_loss"][1] == 3
    draw(tmp_path / "a.png", {"one": columns, "two": {**columns, "accuracy": [0.1, 0.2], "rate": [1, 1]}})
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    for text, complaint in [("", "holds no epochs"), ("epoch,loss\n1,x\n", "damaged"), ("epoch,loss\n1\n", "damaged")]:
        with pytest.raises(ValueError, match=complaint):
            read_metrics(written(tmp_path, text, "odd.csv"))
    with pytest.raises(ValueError, match="stopped before its first epoch"):
        read_metrics(tmp_path / "none.csv")


def test_tables_line_up():
    lines = table("head", [("a", {"loss": 1.0, "accuracy": 0.5}), ("longer", {"accuracy": 0.25})]).splitlines()
    assert lines == ["head         loss   accuracy", "a               1        0.5", "longer          -       0.25"]


def test_none_of_this_imports_a_framework():
    code = (
        "import sys, zoo.runs, zoo.runs.command, zoo.runs.config, zoo.runs.folder, zoo.runs.curves\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_records_are_json(tmp_path):
    written(tmp_path, GOOD)
    make(tmp_path)
    assert json.loads((tmp_path / "runs/same/1/flags.json").read_text()) == {"flags": {}}
