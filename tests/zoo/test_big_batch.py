"""Big batches: parts and devices against one piece, augmentation, the loop, and the command line."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from mistakes import ends_with_code_2

from zoo.__main__ import main
from zoo.big_batch import experiment
from zoo.big_batch.data import SETS, anew, eightfold
from zoo.big_batch.loop import OPTIMIZERS, build, train
from zoo.big_batch.recipe import RATES, Recipe
from zoo.big_batch.step import accumulated, edges, parallel

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.standard_normal((37, 6)).astype(np.float32), RANDOM.integers(3, size=37).astype(np.int32)


def network():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(3)])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_batch_in_unequal_parts_is_one_batch(optimizer):
    ends = []
    for cuts in ((), (3, 4, 30)):
        model = network()
        step = accumulated(model, OPTIMIZERS[optimizer](0.01), cuts)
        losses = [float(step(X, Y)) for _ in range(20)]
        ends.append((np.concatenate([np.ravel(one) for one in model.get_weights()]), losses))
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(ends[0][1], ends[1][1], rtol=1e-5)
    assert ends[0][1][-1] < ends[0][1][0]


def test_devices_equal_one_device():
    here = Path(__file__)
    done = subprocess.run(
        [sys.executable, str(here.with_name("big_batch_devices.py")), str(here.parents[2])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    for optimizer in OPTIMIZERS:
        assert set(told["found"][optimizer]) == {"2", "4", "8"}
        assert max(told["found"][optimizer].values()) < 1e-5, (optimizer, told["found"][optimizer])
    assert "cannot share 7 samples" in told["complaint"]


def test_more_devices_than_there_are():
    with pytest.raises(ValueError, match="has not 99 devices"):
        parallel(lambda: (network(), OPTIMIZERS["Adam"](0.01)), 99)
    with pytest.raises(ValueError, match="4 parts or devices cannot share 3 samples"):
        edges(3, 4)
    assert edges(10, 4) == [0, 2, 5, 8, 10]


def test_all_rotations_and_flips():
    x = RANDOM.standard_normal((5, 3, 3, 2)).astype(np.float32)
    many, labels = eightfold(x, np.arange(5))
    assert many.shape == (40, 3, 3, 2) and labels.tolist() == [*range(5)] * 8
    ways = {many[5 * index].tobytes() for index in range(8)}
    assert len(ways) == 8
    np.testing.assert_array_equal(many[5], x[0].transpose(1, 0, 2)[::-1])  # a quarter to the left
    assert {one.tobytes() for one in anew(np.random.default_rng(0), x)} <= {one.tobytes() for one in many}


def test_the_loop_learns_warms_up_and_repeats():
    data = SETS["stand-in"]()
    assert len(data.train[0]) == 800
    how = {"optimizer": "Adam", "rate": 0.01, "batch": 100, "steps": 30, "warm_up": 0.1, "seed": 0}
    outcomes = [train(build(data, 16, 0), data, **how) for _ in range(2)]
    assert outcomes[0].best > 0.6 and outcomes[0].images_per_second > 0
    assert outcomes[0].best == outcomes[1].best and outcomes[0].last == outcomes[1].last
    with pytest.raises(ValueError, match="a batch of 801 is larger than the set of 800"):
        train(build(data, 16, 0), data, **{**how, "batch": 801})


def test_train_evaluate_and_show(tmp_path, capsys, monkeypatch):
    for name in RATES:
        monkeypatch.setitem(RATES, name, RATES[name][:1])
    lines = []
    recipe = Recipe(epochs=1, middle=400, batch_size=200, steps=2, units=4, seeds=1)
    experiment.train(out=tmp_path, data=["stand-in"], recipe=recipe, report=lines.append)
    assert len(lines) == 3 * 2 * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big_batch.keras", "big_batch.png", "results.json"]
    assert main(["evaluate", "big_batch", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("Lamb", "800", "in advance", "images/s", "(end)"))
    before = (tmp_path / "big_batch.png").read_bytes()
    assert main(["show", "big_batch", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "big_batch.png").read_bytes() == before
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "big_batch", "--out", str(tmp_path)])
    assert ended.value.code == 2 and "results.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("train big_batch --data stand-in", "a batch of 1,024 is larger than the set of 800 images"),
        ("train big_batch --data landsat", "set ZOO_DATA to a folder that holds landsat.npz"),
        ("train big_batch --steps 0", "'0' is not a whole number from 1"),
        ("evaluate big_batch", "python -m zoo train big_batch"),
    ],
)
def test_mistakes_end_with_code_2_and_say_what_is_wrong(words, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    ends_with_code_2(words, complaint, capsys, tmp_path, monkeypatch)
