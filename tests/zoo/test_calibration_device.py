"""The network that decides: against numpy, through a file, and with nothing in it that only this package knows."""

import json
import zipfile

import keras
import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from zoo.calibration.device import SCORES, decision_model, flag_threshold
from zoo.calibration.scaling.temperature import TemperatureScaling
from zoo.residual import residual

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 8, 8, 3)).astype(np.float32) * RANDOM.uniform(0.1, 3, (400, 1, 1, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def calibrated():
    model = residual((4, 6), (1, 1), (8, 8, 3), 5, seed=2)
    logits = model.predict(X, verbose=0)
    last = model.get_layer("logits")
    last.set_weights([last.kernel.numpy() / logits.std(0), -logits.mean(0) / logits.std(0)])  # so that classes differ
    y = np.where(RANDOM.random(400) < 0.6, model.predict(X, verbose=0).argmax(-1), RANDOM.integers(5, size=400))
    return TemperatureScaling().fit(model, X, y)


def scores(logits, score):
    if score == "energy":
        return -logsumexp(logits, axis=-1)
    logs = log_softmax(logits, axis=-1)
    return -(np.exp(logs) * logs).sum(-1)


@pytest.mark.parametrize("score", SCORES)
def test_decisions_are_those_of_the_logits(calibrated, score, tmp_path):
    logits = np.float64(calibrated.predict(X, verbose=0))
    threshold = flag_threshold(calibrated, X, score, keep=0.8)
    expected = scores(logits, score)
    assert np.mean(expected > threshold + 1e-6) <= 0.2 <= np.mean(expected > threshold - 1e-6)
    model = decision_model(calibrated, threshold, score)
    path = tmp_path / "decision.keras"
    model.save(path)
    for decided in (model.predict(X, verbose=0), keras.saving.load_model(path).predict(X, verbose=0)):
        assert {name: value.shape for name, value in decided.items()} == dict.fromkeys(
            ("class", "confidence", "flag"), (len(X),)
        )
        np.testing.assert_array_equal(decided["class"], logits.argmax(-1))
        assert len(set(decided["class"])) == 5
        np.testing.assert_allclose(decided["confidence"], np.exp(log_softmax(logits, axis=-1)).max(-1), atol=1e-6)
        clear = np.abs(expected - threshold) > 1e-6
        assert clear.sum() >= len(X) - 2
        np.testing.assert_array_equal(decided["flag"][clear], (expected > threshold)[clear])
        assert 70 <= decided["flag"].sum() <= 80


def test_the_file_holds_nothing_but_keras(calibrated, tmp_path):
    path = tmp_path / "decision.keras"
    decision_model(calibrated, 0.5).save(path)
    with zipfile.ZipFile(path) as file:
        config = file.read("config.json").decode()
    assert "zoo" not in config and "Lambda" not in config
    kinds = {layer["class_name"] for layer in json.loads(config)["config"]["layers"]}
    assert {"Argmax", "Max", "Softmax", "Logsumexp", "Negative", "Greater"} <= kinds


def test_what_cannot_decide_is_refused(calibrated):
    with pytest.raises(ValueError, match="'odin' is none of energy, entropy"):
        decision_model(calibrated, 0.5, "odin")
    with pytest.raises(ValueError, match="the threshold is nan"):
        decision_model(calibrated, float("nan"))
    waiting = keras.Input((3,))
    with pytest.raises(ValueError, match="has an activation, softmax"):
        decision_model(keras.Model(waiting, keras.layers.Dense(2, activation="softmax")(waiting)), 0.5)
