"""The training loop of all systems: every `train` verb, stopped and taken up again, ends in the same bits."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.__main__ import main
from zoo.progress import Progress
from zoo.runs.data_set import DataSet
from zoo.runs.training import LAST
from zoo.screen import silent
from zoo.training import SETTINGS, TRAINING, fit, workplace
from zoo.wavenet.quantized.legacy_keras import qkeras
from zoo.wavenet.quantized.training import fit_quantized
from zoo.wavenet.recipe import Recipe as WaveRecipe
from zoo.wavenet.training import fit_network

DIGITS = ["--data", "digits"]
SHORT_WAVES = ["--epochs", "2", "--batches", "2", "--samples", "300", "--batch-size", "4"]
VERBS = {
    "wavenet": (["wavenet", *SHORT_WAVES], "wavenet.keras", 1),
    "quantized": (["wavenet", "--quantized", *SHORT_WAVES], "wavenet.keras", 1),
    "second phase": (
        ["metric_learning", *DIGITS, "--epochs", "3", "--batches", "2", "--precision", "float32", "--batch-size", "20"],
        "embedding.keras",
        2,
    ),
    "one member": (
        ["ensembles", *DIGITS, "--epochs", "2", "--members", "2", "--learn", "one"],
        "ensemble.keras",
        1,
    ),
    "second training": (["ensembles", *DIGITS, "--epochs", "2", "--members", "2"], "ensemble.keras", 3),
    "second classifier": (["ood", *DIGITS, "--epochs", "2", "--members", "2"], "classifier-1.keras", 3),
}
"""By what is tried: the command, a file that it leaves, and after how many epochs it is stopped."""


def stop_after(monkeypatch, epochs):
    """Ctrl-C after so many epochs, counted over all trainings of the process."""
    seen, end = [], Progress.end

    def stopping(self, epoch, logs=None):
        end(self, epoch, logs)
        seen.append(epoch)
        if len(seen) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "end", stopping)


def weights(path):
    load = qkeras.utils.load_qmodel if "quantized" in str(path) else keras.saving.load_model
    return load(str(path), compile=False).get_weights()


SLOW = ("wavenet", "quantized", "second classifier")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in VERBS])
def test_what_ctrl_c_stopped_goes_on_to_the_bit(name, tmp_path, monkeypatch, capsys):
    tf.config.experimental.enable_op_determinism()
    (words, file, epochs), stem = VERBS[name], "quantized" if name == "quantized" else "float"
    words = [*words, "--seed", "3"]
    whole, resumed = tmp_path / f"{stem}-whole", tmp_path / f"{stem}-resumed"
    assert main(["train", *words, "--out", str(whole), "--quiet"]) == 0
    assert "epoch 1/" not in capsys.readouterr().out
    with monkeypatch.context() as patch:
        stop_after(patch, epochs)
        assert main(["train", *words, "--out", str(resumed)]) == 130
    said = capsys.readouterr()
    assert said.err == "stopped. The same command goes on after the last epoch that it finished.\n"
    assert [path.name for path in resumed.iterdir()] == [TRAINING]
    assert main(["train", *words, "--out", str(resumed)]) == 0
    assert "going on with the training that was stopped there" in capsys.readouterr().out
    for ours, theirs in zip(weights(resumed / file), weights(whole / file), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    names = [sorted(path.name for path in folder.iterdir()) for folder in (whole, resumed)]
    assert names[0] == names[1] and TRAINING not in names[0]


@pytest.mark.parametrize("fit_one", [fit_network, fit_quantized])
def test_both_wavenets_go_on_to_the_bit(fit_one, tmp_path, monkeypatch):
    recipe = WaveRecipe(epochs=3, batches=3, samples=300, batch_size=4)
    whole, history = fit_one(recipe, seed=5, folder=tmp_path / "whole", report=silent)
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            fit_one(recipe, seed=5, folder=tmp_path / "resumed", report=silent)
    lines = []
    resumed, again = fit_one(recipe, seed=5, folder=tmp_path / "resumed", report=lines.append)
    assert "continuing after epoch 2" in lines[0] and len(lines) == 2
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for rows in (history, again):
        for row in rows:
            row.pop("seconds")
    assert again == history


def tiny(folder, report, epochs=2, **options):
    x = np.linspace(-1, 1, 24, dtype=np.float32).reshape(12, 2)
    waiting = keras.Input((2,))
    model = keras.Model(waiting, keras.layers.Dense(1, kernel_initializer="ones")(waiting))
    model.compile("sgd", "mse", metrics=["mae"])
    data = DataSet((x, x[:, :1]), validation=(x, x[:, :1]), batch_size=4)
    return model, fit(model, data, epochs=epochs, folder=folder, report=report, unit="points", **options)


def test_every_epoch_says_values_rate_and_time_left():
    lines = []
    _, history = tiny(None, lines.append, name="first", later=1)
    assert [row["epoch"] for row in history] == [1, 2] and {"loss", "mae", "val_loss", "seconds"} <= set(history[0])
    assert all(line.startswith(f"first  epoch {number}/2  ") for number, line in enumerate(lines, 1))
    loss = f"loss {history[0]['loss']:.4g} (held out {history[0]['val_loss']:.4g})  mae "
    assert loss in lines[0] and "points/s" in lines[0] and lines[1].endswith(" s left")
    lines.clear()
    tiny(None, lines.append)
    assert lines[1].endswith("done")


def test_a_training_with_other_settings_begins_anew_and_says_what_differs(tmp_path):
    lines, settings = [], {"epochs": 2, "rates": (1, 2)}
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), workplace(tmp_path, settings, lines.append) as folder:
            tiny(folder / "network", silent, epochs=1)
            raise KeyboardInterrupt
    assert (folder / "network" / LAST).exists()
    assert lines == [f"{tmp_path}: going on with the training that was stopped there"]
    with workplace(tmp_path, {**settings, "epochs": 3}, lines.append) as folder:
        assert sorted(path.name for path in folder.iterdir()) == [".lock", SETTINGS]
    assert lines[1:] == [f"{tmp_path}: the training that was stopped there had another epochs; beginning anew"]
    assert list(tmp_path.iterdir()) == []


def test_damaged_settings_are_those_of_another_training(tmp_path):
    (tmp_path / TRAINING).mkdir()
    (tmp_path / TRAINING / SETTINGS).write_text('{"epochs": ')
    lines = []
    with workplace(tmp_path, {"epochs": 2}, lines.append) as folder:
        assert json.loads((folder / SETTINGS).read_text()) == {"epochs": 2}
    assert "beginning anew" in lines[0]


def test_nothing_is_left_where_no_epoch_has_ended(tmp_path):
    with pytest.raises(ValueError, match="nonsense"), workplace(tmp_path / "new", {}, print):
        raise ValueError("nonsense")
    assert not (tmp_path / "new" / TRAINING).exists()


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    with (
        workplace(tmp_path, {}, print),
        pytest.raises(ValueError, match="another process is training"),
        workplace(tmp_path, {}, print),
    ):
        pass
