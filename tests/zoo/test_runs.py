"""Runs from the command line and back: trained, resumed, loaded from what they kept, measured, drawn."""

import json
import resource
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorflow.python.framework import config as tensorflow_config

import zoo
from zoo import runs
from zoo.__main__ import main
from zoo.datasets import digits
from zoo.runs.curves import read_metrics

EXAMPLES = Path(zoo.__file__).parent / "runs/examples"

DATA = """
import numpy as np
from zoo.runs import DataSet

FLAGS = {"samples": 12}

def load(flags):
    x = np.random.normal(size=(flags.samples, 3)).astype(np.float32)
    return DataSet((x, x[:, :1]), batch_size=6)
"""

MODEL = """
import keras

FLAGS = {"units": 2}

def load(flags, data):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(flags.units), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse", run_eagerly=True)
    return model
"""


@pytest.fixture(autouse=True)
def only_here():
    """Deterministic operations are for the rest of a process, which here has other tests."""
    yield
    tensorflow_config.disable_op_determinism()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with two small configurations, and in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.py").write_text(DATA)
    (tmp_path / "m.py").write_text(MODEL)
    return tmp_path


def command(words, **more):
    assert main([*words.split(), *more.get("then", [])]) == 0


def fails(words, capsys, complaint):
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_example_is_trained_resumed_loaded_measured_and_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for file in EXAMPLES.glob("*.py"):
        shutil.copy(file, tmp_path)
    new = "train run --name digits --data digits_data.py --model digits_model.py --set filters=4 --seed 3"
    command(f"{new} --epochs 3")
    command(f"{new} --epochs 2")
    first, second = tmp_path / "runs/digits/1", tmp_path / "runs/digits/2"
    record = json.loads((second / "flags.json").read_text())
    wanted = {"filters": 4, "dropout": 0.3, "learning_rate": 0.003, "batch_size": 64, "shift": 1, "seed": 3}
    assert record["flags"] == wanted
    assert (second / "model.py").read_text() == (EXAMPLES / "digits_model.py").read_text()
    for file in tmp_path.glob("*.py"):
        file.unlink()
    command("train run --name digits --resume --epochs 3")
    out = capsys.readouterr().out
    assert "runs/digits/2: continuing after epoch 2" in out
    assert out.count("(held out ") == 6 * 2  # a line for each epoch, loss and accuracy in each

    whole, resumed = (runs.load(folder, which="last") for folder in (first, second))
    for weight, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    columns = [read_metrics(folder / "metrics.csv") for folder in (first, second)]
    for one in columns:
        one.pop("seconds")
    assert columns[0] == columns[1]
    assert json.loads((second / "sessions/2/environment.json").read_text())["packages"]["keras"] == keras.__version__
    assert (
        "commit" in json.loads((second / "sessions/1/git.json").read_text())
        or "missing" in (second / "sessions/1/git.json").read_text()
    )

    best = runs.load("digits/2", runs=tmp_path / "runs")
    x, y = best.data.test
    assert np.array_equal(y, digits().y_test)
    assert best.epoch == 1 + np.argmin(columns[0]["val_loss"])
    exported = keras.saving.load_model(second / "model.keras")
    np.testing.assert_array_equal(best.model.predict(x, verbose=0), exported.predict(x, verbose=0))
    accuracy = best.model.evaluate(x, y, return_dict=True, verbose=0)["accuracy"]
    assert accuracy > 0.25  # chance is 0.1

    command("evaluate run digits/2")
    out = capsys.readouterr().out
    assert "runs/digits/2, test data" in out.splitlines()[0]
    assert f"{accuracy:.4g}" in out.splitlines()[1]
    assert "3 nearest neighbours on pixels     0.98" in out
    command("show run digits/1 digits/2")
    assert capsys.readouterr().out == "runs/curves.png\n"
    assert (tmp_path / "runs/curves.png").stat().st_size > 10_000


def test_a_resumed_run_is_the_same_experiment(place, capsys):
    new = "train run --name x --data d.py --model m.py"
    command(f"{new} --epochs 1 --set units=3")
    again = "train run --name x --resume"
    fails(f"{again} --set units=4", capsys, "began with units 3, and cannot be resumed with 4")
    fails(f"{again} --seed 1", capsys, "began with seed 0, and cannot be resumed with 1")
    fails(f"{again} --monitor accuracy", capsys, "began with monitor None")
    fails(f"{again} --data none.py", capsys, "none.py is not there")
    (place / "m.py").write_text(MODEL + "# changed\n")
    fails(f"{again} --model m.py", capsys, "m.py is no longer what runs/x/1 began with")
    command(f"{again} --data d.py --set units=3 --seed 0 --epochs 2")
    assert read_metrics(place / "runs/x/1/metrics.csv")["epoch"] == [1, 2]
    capsys.readouterr()
    command(again)  # as many as were last asked for
    assert "finished after epoch 2" in capsys.readouterr().out
    fails(f"{new} --set unit=3", capsys, "neither configuration has a flag unit; there are samples, units")
    assert [path.name for path in (place / "runs/x").iterdir() if path.name[0] != "."] == ["1"]


def test_data_that_are_drawn_come_back_and_changed_data_are_noted(place):
    command("train run --name x --data d.py --model m.py --epochs 1")
    run = runs.load("x")
    again = runs.load("runs/x/1")
    assert np.array_equal(run.data.train[0], again.data.train[0])
    assert run.notes == ()
    stored = place / "runs/x/1/data.py"
    stored.write_text(DATA.replace("astype", "round(1).astype"))
    assert runs.load("x").notes == ("the training data are not those that the run was trained on",)
    with pytest.raises(ValueError, match='"best" or "last", not'):
        runs.load("x", which="first")


def test_runs_without_weights(place, capsys):
    command("train run --name x --data d.py --model m.py --epochs 1")
    folder = place / "runs/x/1"
    (folder / "best.npz").write_bytes(b"")
    fails("evaluate run x", capsys, "best.npz is damaged")
    for name in ("best.npz", "last.npz", "metrics.csv"):
        (folder / name).unlink()
    fails("evaluate run x", capsys, "stopped before its first epoch had ended")
    fails("show run x", capsys, "stopped before its first epoch had ended")
    command("train run --name x --resume")  # from the beginning, then
    with pytest.raises(ValueError, match="neither a test nor a validation part"):
        from zoo.runs.evaluation import evaluate

        evaluate("x")


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("d.py", "DataSet((x, x[:, :1]), batch_size=6)", "[x]", "returns a list, not a zoo.runs.DataSet"),
        ("m.py", "return model", "return 3", "returns a int, not a keras.Model"),
        ("m.py", "model.compile", "dict", "is not compiled"),
        ("m.py", "keras.Input((3,)), ", "", "is not built"),
    ],
)
def test_configurations_must_return_what_they_promise(place, capsys, file, old, new, complaint):
    text = (place / file).read_text()
    assert old in text
    (place / file).write_text(text.replace(old, new))
    fails("train run --name x --data d.py --model m.py", capsys, complaint)
    assert not (place / "runs").exists()


def test_a_full_disk_ends_a_run_with_a_message(place, capsys):
    command("train run --name x --data d.py --model m.py --epochs 1")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = (place / "runs/x/1/last.npz").read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 1000, limits[1]))
    try:
        assert main(["train", "run", "--name", "x", "--resume", "--epochs", "2"]) == 2
        assert "--resume goes on from there" in capsys.readouterr().err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (place / "runs/x/1/last.npz").read_bytes() == before
    command("train run --name x --resume --epochs 2")
