"""The comparison end to end on digits with a tiny network: files, resuming, and numbers that others compute again."""

import json
import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from zoo.__main__ import main
from zoo.augmentation import AugmentedImages
from zoo.calibration import command, training
from zoo.calibration.experiment import LOSSES, train
from zoo.calibration.measuring import measure
from zoo.calibration.methods import METHODS
from zoo.calibration.picture import reliability
from zoo.calibration.recipe import RECIPES, Recipe
from zoo.calibration.scaling.temperature import TemperatureScaling
from zoo.calibration.training import train_one
from zoo.residual import residual
from zoo.splits import Part, load, pixels

DETECTORS = ("energy", "knn")
OPTIONS = {"data": "digits", "losses": ("cross-entropy", "focal-3"), "seeds": 1, "epochs": 2}


def tiny(input_shape, classes, **options):
    return residual((8, 16), (1, 1), input_shape, classes, stem_stride=2, **options)


@pytest.fixture(scope="module")
def short():
    """A tiny network instead of the small one, and two detectors instead of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(training.NETWORKS, "small", tiny)
        patch.setattr("zoo.calibration.measuring.DETECTORS", dict.fromkeys(DETECTORS))
        yield


@pytest.fixture(scope="module")
def run(short, tmp_path_factory):
    """Stopped within the second training, and taken up again; what was said before and after."""
    out, before, after = tmp_path_factory.mktemp("run") / "new", [], []

    def stop(line):
        before.append(line)
        if "epoch 1/2" in line and "focal" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(out, **OPTIONS, report=stop)
    assert not (out / "seed0" / "focal-3" / "model.keras").exists()
    return out, train(out, **OPTIONS, report=after.append), (before, after)


def softmax(logits):
    powers = np.exp(np.float64(logits) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_a_run_leaves_every_file_and_says_how_it_goes(run):
    out, text, (before, after) = run
    names = {path.name for path in out.iterdir()}
    assert names == {"calibration.json", "calibration.txt", "calibration.png", "device.keras", "seed0"}
    assert (out / "calibration.txt").read_text() == text + "\n"
    assert (out / "calibration.png").read_bytes().startswith(b"\x89PNG")
    assert "digits (scikit-learn) without 4 and 9: 1,005 images" in before[0]
    assert "2 trainings to do, 0 there already" in before[0] and "1 trainings to do, 1 there already" in after[0]
    both, again = ([line for line in lines if " epoch " in line and "images/s" in line] for lines in (before, after))
    said = [re.search(r"(\w+ \w+) +epoch (\d)/2", line).groups() for line in (*both, *again)]
    assert said[:2] == [("cross entropy", "1"), ("cross entropy", "2")]
    assert said[2:] == [("focal 3", "1"), ("focal 3", "2")]
    assert "focal-3: continuing after epoch 1" in after[1]
    assert all(line.endswith((" left", "done")) for line in (*both, *again))
    assert again[-1].endswith("done") and both[1].endswith(" left")  # the second training is to come


def test_a_training_that_was_stopped_ends_like_one_that_was_not(run, tmp_path):
    splits, recipe = load("digits"), replace(RECIPES["digits", "small"], epochs=2)
    whole = train_one(splits, "focal-3", recipe, tmp_path, seed=0, report=lambda line: None)
    resumed = keras.saving.load_model(run[0] / "seed0" / "focal-3" / "model.keras")
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)  # the kernels may add in another order
    assert not np.allclose(whole.get_weights()[0], tiny((16, 16, 3), 8, seed=0).get_weights()[0], atol=1e-3)


def test_the_figures_are_those_of_the_networks_in_the_files(run):
    out, text, _ = run
    splits = load("digits")
    for loss in ("cross-entropy", "focal-3"):
        folder = out / "seed0" / loss
        figures = json.loads((folder / "measured.json").read_text())["figures"]
        model, calibrated = (keras.saving.load_model(folder / f"{n}.keras") for n in ("model", "calibrated"))
        assert model.dtype_policy.name == "float32" and not model.compiled
        x, y = pixels(splits.test.x), splits.test.y
        fitted = TemperatureScaling()
        fitted.fit(model, pixels(splits.calibrate.x), splits.calibrate.y)
        np.testing.assert_allclose(figures["temperature"]["temperature"], fitted.temperature_, rtol=1e-4)
        assert set(figures) == {"plain", "temperature", *(["refit"] if loss == "cross-entropy" else [])}
        assert figures["plain"]["accuracy"] == figures["temperature"]["accuracy"]
        for done, network in (("plain", model), ("temperature", calibrated)):
            p = softmax(network.predict(x, verbose=0))
            held = figures[done]
            np.testing.assert_allclose(held["accuracy"], np.mean(p.argmax(-1) == y))
            np.testing.assert_allclose(held["nll"], -np.log(p[np.arange(len(y)), y]).mean(), rtol=1e-4)
            np.testing.assert_allclose(held["brier"], np.mean(((p - np.eye(8)[y]) ** 2).sum(-1)), rtol=1e-4)
        energies = [
            -np.log(np.exp(np.float64(model.predict(pixels(part), verbose=0))).sum(-1))
            for part in (splits.test.x, splits.hard)
        ]
        truth = np.repeat([0, 1], [len(part) for part in energies])
        np.testing.assert_allclose(
            figures["plain"]["auroc"]["hard"]["energy"], roc_auc_score(truth, np.concatenate(energies)), atol=1e-4
        )
        assert set(figures["plain"]["auroc"]["easy"]) == set(DETECTORS)
        assert set(figures["temperature"]["auroc"]["easy"]) == {"energy"}
    assert f"{100 * figures['plain']['accuracy']:.2f}" in text  # of the last, focal 3


def test_what_is_finished_is_kept_and_what_is_missing_is_added(run):
    out, text, _ = run
    kept = {path: path.stat().st_mtime_ns for path in out.glob("seed0/*/*") if path.suffix in (".keras", ".json")}
    assert len(kept) == 6
    lines = []
    assert train(out, **OPTIONS, report=lines.append) == text
    assert "0 trainings to do, 2 there already" in lines[0] and not any("epoch" in line for line in lines)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_evaluate_and_show_read_what_training_left(run, capsys):
    out, text, _ = run
    assert main(["evaluate", "calibration", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == text
    before = (out / "calibration.png").read_bytes()
    (out / "calibration.png").unlink()
    assert main(["show", "calibration", "--out", str(out)]) == 0
    assert (out / "calibration.png").read_bytes() == before


def test_the_network_for_a_device_flags_one_familiar_image_in_twenty(run):
    out, _, _ = run
    splits = load("digits")
    decided = keras.saving.load_model(out / "device.keras").predict(pixels(splits.validate.x), verbose=0)
    calibrated = keras.saving.load_model(out / "seed0" / "cross-entropy" / "calibrated.keras")
    logits = calibrated.predict(pixels(splits.validate.x), verbose=0)
    np.testing.assert_array_equal(decided["class"], logits.argmax(-1))
    np.testing.assert_allclose(decided["confidence"], softmax(logits).max(-1), atol=1e-5)
    assert 0.03 <= decided["flag"].mean() <= 0.05


def test_a_network_put_in_the_place_of_another_is_measured_anew(short, tmp_path):
    splits = load("digits")
    first, second = (tiny((16, 16, 3), 8, seed=seed) for seed in (0, 1))
    measured = [measure(model, splits, tmp_path, refit=False, detectors=["energy"]) for model in (first, second)]
    assert measured[0]["plain"].nll != measured[1]["plain"].nll
    assert measure(second, splits, tmp_path, refit=False, detectors=["energy"]) == measured[1]
    held = (tmp_path / "measured.json").read_text()
    (tmp_path / "measured.json").write_text(held[:-20])  # as a process that was killed could have left it
    assert measure(second, splits, tmp_path, refit=False, detectors=["energy"]) == measured[1]
    assert (tmp_path / "measured.json").read_text() == held


def test_the_plateau_recipe_lowers_the_rate_and_stops():
    waiting = keras.Input((3,))
    model = keras.Model(waiting, keras.layers.Dense(2)(waiting))
    recipe = Recipe(patience=1, learning_rate=0.1, precision="float32")
    callbacks = training.compile_model(recipe, model, keras.losses.SparseCategoricalCrossentropy(from_logits=True), 1)
    x, y = np.zeros((4, 3), np.float32), np.array([0, 1, 0, 1])
    for callback in callbacks:
        callback.min_delta = 1e9  # nothing is progress
    history = model.fit(x, y, validation_data=(x, y), epochs=9, callbacks=callbacks, verbose=0).history
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.1, 0.02, 0.004], rtol=1e-5)


def test_every_image_is_a_window_of_its_own_reflection():
    random = np.random.default_rng(0)
    part = Part(random.integers(256, size=(40, 6, 6, 3), dtype=np.uint8), np.arange(40, dtype=np.int32))
    batches = AugmentedImages(part, batch_size=16, shift=2, seed=5)
    assert len(batches) == 3 and len(batches[2][0]) == 8
    padded = np.pad(part.x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    places, seen = set(), []
    for index in range(3):
        for image, label in zip(*batches[index], strict=True):
            seen.append(label)
            windows = {
                (row, column, step): pixels(padded[label, row : row + 6, column : column + 6][:, ::step])
                for row in range(5)
                for column in range(5)
                for step in (1, -1)
            }
            places |= {place for place, window in windows.items() if np.array_equal(window, image)}
    assert sorted(seen) == list(range(40))
    assert len(places) > 25 and {step for _, _, step in places} == {1, -1}
    first = batches[0]
    batches.on_epoch_end()
    assert not np.array_equal(batches[0][1], first[1])
    batches.epoch = 0
    np.testing.assert_array_equal(batches[0][0], first[0])
    straight = AugmentedImages(part, batch_size=40, shift=0, flip=False)[0]
    np.testing.assert_array_equal(straight[0], pixels(part.x[straight[1]]))


def test_reliability_bars_add_up_to_the_samples_and_the_error():
    random = np.random.default_rng(0)
    logits, y = random.normal(size=(500, 3)) * 2, random.integers(3, size=500)
    count, confidence, accuracy = reliability(logits, y, 10)
    p = softmax(logits)
    inside = (p.max(-1) > 0.7) & (p.max(-1) <= 0.8)
    assert count.sum() == 500 and count[7] == inside.sum()
    np.testing.assert_allclose(confidence[7], p.max(-1)[inside].mean())
    np.testing.assert_allclose(accuracy[7], np.mean(p.argmax(-1)[inside] == y[inside]))
    assert np.isnan(confidence[0]) and np.isnan(accuracy[0])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "calibration", "--losses", "mse"], "invalid choice: 'mse'"),
        (["train", "calibration", "--losses", "mmce", "mmce"], "names a loss twice"),
        (["train", "calibration", "--seeds", "0"], "'0' is not a whole number from 1"),
        (["evaluate", "calibration", "--out", "/tmp/nothing-here"], "python -m zoo train calibration"),
    ],
)
def test_bad_arguments_exit_2_with_one_clear_message(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("content", ['{"data": "digits"', "[]", '{"data": "digits"}'])
def test_a_damaged_plan_is_named(content, tmp_path, capsys):
    (tmp_path / "calibration.json").write_text(content)
    test_bad_arguments_exit_2_with_one_clear_message(
        ["evaluate", "calibration", "--out", str(tmp_path)], "calibration.json is damaged", capsys
    )


def test_the_command_line_knows_every_loss_without_importing_them():
    assert tuple(METHODS) == command._LOSSES
    assert command._LOSSES[:4] == LOSSES


def test_trainings_of_another_kind_are_not_mixed(run):
    with pytest.raises(ValueError, match="trainings of another kind"):
        train(run[0], data="digits", epochs=3, report=lambda line: None)
