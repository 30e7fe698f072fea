"""The command line of the ensembles, on digits."""

import csv

import keras
import numpy as np
import pytest

from zoo.__main__ import main
from zoo.datasets import digits
from zoo.ensembles.experiment import measure


def test_train_leaves_an_ensemble_that_is_as_good_as_it_says(tmp_path, capsys):
    arguments = ["--members", "2", "--epochs", "2", "--learn", "each", "--batch-size", "32", "--out", str(tmp_path)]
    assert main(["train", "ensembles", *arguments]) == 0
    said = capsys.readouterr().out
    model = keras.saving.load_model(tmp_path / "ensemble.keras")
    accuracy, single = measure(model, digits())
    assert f"ensemble of 2         {accuracy:.4f}" in said
    assert f"{np.mean(single):.4f} +- {np.std(single, ddof=1):.4f}" in said
    assert accuracy > 0.6 and len(single) == 2
    data = digits()
    assert accuracy == np.mean(model.predict(data.x_test, verbose=0).argmax(-1) == data.y_test)
    assert main(["evaluate", "ensembles", "--trained", str(tmp_path / "ensemble.keras")]) == 0
    assert f"ensemble of 2         {accuracy:.4f}" in capsys.readouterr().out
    for options, message in (
        (["--trained", str(tmp_path / "none.keras")], "there is no"),
        (["--trained", str(tmp_path / "ensemble.keras"), "--data", "published"], "have no labels"),
        (["--trained", str(tmp_path / "history.csv")], "cannot be read"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["evaluate", "ensembles", *options])
        assert end.value.code == 2
        assert message in capsys.readouterr().err.replace("\n", " ")
    with (tmp_path / "history.csv").open() as text:
        rows = list(csv.DictReader(text))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[1]["loss"]) < float(rows[0]["loss"])


def test_show_draws_the_digits(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    assert main(["show", "ensembles", "--members", "2", "--ensembles", "2", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "members.png").read_bytes().startswith(b"\x89PNG")
    assert "ensemble 2/2" in capsys.readouterr().out


def test_evaluate_says_what_is_missing(capsys, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    with pytest.raises(SystemExit) as end:
        main(["evaluate", "ensembles", "--data", "published"])
    assert end.value.code == 2 and "ZOO_DATA" in capsys.readouterr().err


def test_weak_labels_have_nothing_to_do_with_labelled_losses(capsys):
    with pytest.raises(SystemExit) as end:
        main(["train", "ensembles", "--weak-labels", "--learn", "one"])
    assert end.value.code == 2 and "--weak-labels" in capsys.readouterr().err
