"""Training end to end, and the command around it."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from zoo.__main__ import main
from zoo.datasets import digits
from zoo.metric_learning.evaluation import PIXELS, embed
from zoo.metric_learning.experiment import _best, train
from zoo.metric_learning.index import Index
from zoo.metric_learning.networks import published
from zoo.metric_learning.recipe import BEST, PUBLISHED


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out, lines = tmp_path_factory.mktemp("trained"), []
    recipe = replace(PUBLISHED, epochs=3, batches=60)
    return train(digits(), recipe, seed=1, out=out, report=lines.append), out, lines


def test_the_published_recipe_learns_digits(trained):
    result, _, lines = trained
    assert result.scores["published"]["MAP@R"] > result.scores[PIXELS]["MAP@R"] + 0.1
    assert 0.9 < result.scores[PIXELS]["R@1"] < 1
    assert result.history[-1]["loss"] < result.history[0]["loss"] / 2
    assert len(lines) == 4 and "images/s" in lines[1] and "s left" in lines[2] and "done" in lines[3]
    assert result.cpu_seconds > 0 and result.seconds > 0


def test_the_files_hold_what_was_trained(trained):
    result, out, _ = trained
    images = digits()
    wanted = embed(result.model, images.x_test)
    for name in ("embedding.keras", "embedding.h5"):
        loaded = keras.saving.load_model(out / name, compile=False)
        assert type(loaded).__module__.startswith("keras.")
        assert np.array_equal(embed(loaded, images.x_test), wanted)
    index = Index.load(out / "index")
    assert np.array_equal(index.embeddings, wanted) and np.array_equal(index.labels, images.y_test)
    with (out / "history.csv").open() as text:
        rows = list(csv.DictReader(text))
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in result.history]
    about = json.loads((out / "about.json").read_text())
    assert (about["recipe"], about["data"], about["seed"], about["epochs"]) == ("published", "digits", 1, 3)


def test_same_seed_same_weights_and_another_seed_others():
    recipe = replace(PUBLISHED, epochs=1, batches=2)
    one, two = (train(digits(), recipe, seed=seed, report=lambda line: None).model for seed in (3, 3))
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))
    assert not np.allclose(one.get_weights()[0], published(seed=4).get_weights()[0], atol=0.01)


def test_the_best_recipe_trains_on_crops_of_two_sizes():
    images, lines = digits(), []
    result = train(images, replace(BEST, epochs=2, batches=2, batch_size=20), seed=0, report=lines.append)
    assert result.model.input_shape == (None, 16, 16, 3) and result.model.output_shape == (None, 64)
    assert len(result.history) == 2 and len(lines) == 3
    assert all(layer.dtype_policy.name == "float32" for layer in result.model.layers)
    norm = result.model.get_layer("block3_b_norm")
    assert type(norm) is keras.layers.BatchNormalization and np.abs(norm.moving_mean.numpy()).max() > 0
    sizes = {
        batches[0][0].shape
        for _, batches in _best(images, replace(BEST, batches=2, batch_size=20, precision="float32"), 0).phases
    }
    assert sizes == {(20, 12, 12, 3), (20, 16, 16, 3)}


def test_evaluate_and_show(trained, tmp_path, capsys):
    result, out, _ = trained
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    assert main(["evaluate", "metric_learning", "--out", str(copy)]) == 0
    printed = capsys.readouterr().out
    assert "360 test images of digits" in printed
    for name, scores in result.scores.items():
        (line,) = [line for line in printed.split("\n") if line.startswith(name)]
        assert line.replace("*", " ").split()[-5:] == [f"{value:.4f}" for value in scores.values()]
    assert main(["show", "metric_learning", "--out", str(copy)]) == 0
    assert capsys.readouterr().out.split() == [str(copy / "neighbours.png"), str(copy / "confusion.png")]
    assert (copy / "neighbours.png").stat().st_size > 5000 and (copy / "confusion.png").stat().st_size > 5000


def test_a_folder_without_a_training_says_what_to_do(trained, tmp_path, capsys):
    for verb in ("evaluate", "show"):
        with pytest.raises(SystemExit) as stop:
            main([verb, "metric_learning", "--out", str(tmp_path)])
        assert stop.value.code == 2 and "train first" in capsys.readouterr().err
    (tmp_path / "about.json").write_text('{"recipe": "published", "data": "digits"}')
    with pytest.raises(SystemExit):
        main(["evaluate", "metric_learning", "--out", str(tmp_path)])
    assert "train again, with --recipe published --data digits" in capsys.readouterr().err
    (tmp_path / "about.json").write_text('{"recipe": "published", "data": "letters"}')
    with pytest.raises(SystemExit):
        main(["evaluate", "metric_learning", "--out", str(tmp_path)])
    assert "damaged" in capsys.readouterr().err
    shutil.copytree(trained[1], tmp_path / "other")
    index = Index()
    index.add(np.ones((360, 8)), np.zeros(360))
    index.save(tmp_path / "other" / "index")
    with pytest.raises(SystemExit):
        main(["show", "metric_learning", "--out", str(tmp_path / "other")])
    assert "not of the test images" in capsys.readouterr().err


def test_help_imports_no_framework():
    code = "import sys; from zoo.__main__ import main\ntry: main(['train', 'metric_learning', '--help'])\nexcept "
    code += "SystemExit: pass\nprint([name for name in ('tensorflow', 'keras', 'sklearn') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip().endswith("[]") and "--recipe" in run.stdout
