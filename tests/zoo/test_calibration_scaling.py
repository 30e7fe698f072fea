"""Calibrating after training: optima against grids and slopes, and the network that comes out."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from zoo.calibration.scaling.refit import LastLayerRefit
from zoo.calibration.scaling.temperature import TemperatureScaling
from zoo.calibration.scaling.vector import VectorScaling
from zoo.residual import residual

COUNT, CLASSES = 600, 4


def network(seed=0):
    return residual((4, 6), (1, 1), (8, 8, 3), CLASSES, seed=seed)


@pytest.fixture(scope="module")
def drawn():
    """A network, images, and labels drawn from its own probabilities at temperature 1/3, with class 2 favoured."""
    model, random = network(), np.random.default_rng(0)
    x = random.normal(size=(COUNT, 8, 8, 3)).astype(np.float32)
    logits = model.predict(x, verbose=0)
    last = model.get_layer("logits")
    last.set_weights([last.kernel.numpy() / logits.std(0), -logits.mean(0) / logits.std(0)])  # so that all occur
    true = 3 * model.predict(x, verbose=0) + [0, 0, 1.0, 0]
    p = np.exp(log_softmax(true, axis=-1))
    return model, x, (random.random((COUNT, 1)) < p.cumsum(-1)).argmax(-1)


def nll(logits, y):
    return -log_softmax(np.float64(logits), axis=-1)[np.arange(len(y)), y].mean()


@pytest.mark.parametrize("true", [0.2, 1.0, 7.0])
def test_temperature_is_the_optimum_of_a_fine_grid(true):
    random = np.random.default_rng(1)
    logits = random.normal(size=(3_000, 5)) * 3
    p = np.exp(log_softmax(logits / true, axis=-1))
    y = (random.random((len(p), 1)) < p.cumsum(-1)).argmax(-1)
    found = TemperatureScaling().fit_logits(logits.astype(np.float32), y)
    grid = true * np.exp(np.linspace(-0.3, 0.3, 6_001))  # in steps of 1e-4
    # Two hundred rows around the coarse optimum, so that the fine one is cheap.
    coarse = min(range(0, len(grid), 100), key=lambda i: nll(logits / grid[i], y))
    near = grid[max(coarse - 100, 0) : coarse + 101]
    best = near[np.argmin([nll(logits / t, y) for t in near])]
    assert abs(found / best - 1) < 1e-3
    assert abs(found / true - 1) < 0.1


def test_temperature_stays_1_where_nothing_is_gained_and_within_its_bounds():
    y = np.arange(50) % 5
    for indifferent in (1e4 * np.eye(5)[y], np.zeros((50, 5))):
        assert TemperatureScaling().fit_logits(indifferent, y) == 1.0
        assert 2 <= TemperatureScaling(2.0, 3.0).fit_logits(indifferent, y) <= 3
    assert TemperatureScaling().fit_logits(10 * np.eye(5)[y - 1], y) == pytest.approx(100, rel=1e-5)  # all wrong
    assert TemperatureScaling(0.5, 3.0).fit_logits(np.eye(5)[y], y) == pytest.approx(0.5, rel=1e-5)  # right, unsure


def test_temperature_folds_into_the_last_layer(drawn, tmp_path):
    model, x, y = drawn
    before = [weight.copy() for weight in model.get_weights()]
    scaling = TemperatureScaling()
    calibrated = scaling.fit(model, x, y)
    assert 0.25 < scaling.temperature_ < 0.5
    logits, scaled = model.predict(x, verbose=0), calibrated.predict(x, verbose=0)
    np.testing.assert_allclose(scaled, logits / scaling.temperature_, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(scaled.argmax(-1), logits.argmax(-1))
    assert nll(scaled, y) < nll(logits, y) - 0.01
    for layer, old in zip(calibrated.layers, model.layers, strict=True):
        assert layer.get_config() == old.get_config()
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)), "the model was changed"
    changed = [not np.array_equal(a, b) for a, b in zip(calibrated.get_weights(), before, strict=True)]
    assert np.flatnonzero(changed).tolist() == [len(before) - 2, len(before) - 1]
    calibrated.save(tmp_path / "calibrated.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "calibrated.keras").predict(x, verbose=0), scaled)


def test_vector_scaling_is_where_the_slopes_end(drawn):
    model, x, y = drawn
    scaling = VectorScaling()
    calibrated = scaling.fit(model, x, y)
    logits = model.predict(x, verbose=0)
    scaled = calibrated.predict(x, verbose=0)
    np.testing.assert_allclose(scaled, logits * scaling.scale_ + scaling.shift_, rtol=1e-4, atol=1e-4)
    at = np.concatenate([scaling.scale_, scaling.shift_])
    for index in range(len(at)):  # every step away, in each direction, makes it worse
        for step in (-0.05, 0.05):
            moved = at.copy()
            moved[index] += step
            assert nll(logits * moved[:CLASSES] + moved[CLASSES:], y) > nll(scaled, y) - 1e-9
    temperature = TemperatureScaling().fit_logits(logits, y)
    assert nll(scaled, y) < nll(logits / temperature, y) - 0.01, "an offset for class 2 is what a temperature lacks"
    assert calibrated.get_config() == model.get_config()


def test_refit_is_logistic_regression_on_the_features(drawn, tmp_path):
    model, x, y = drawn
    refitted = LastLayerRefit(strength=10.0).fit(model, x, y[:, None])
    features = np.float64(keras.Model(model.input, model.get_layer("features").output).predict(x, verbose=0))
    regression = LogisticRegression(C=10.0, max_iter=5_000, tol=1e-7).fit(features, y)
    logits = refitted.predict(x, verbose=0)
    np.testing.assert_allclose(np.exp(log_softmax(logits, axis=-1)), regression.predict_proba(features), atol=1e-4)
    assert np.mean(logits.argmax(-1) == y) > np.mean(model.predict(x, verbose=0).argmax(-1) == y)
    for old, new in zip(model.get_weights()[:-2], refitted.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(old, new)
    refitted.save(tmp_path / "refitted.keras")
    loaded = keras.saving.load_model(tmp_path / "refitted.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), logits)


def dense(units=2, **arguments):
    waiting = keras.Input((3,))
    return keras.Model(waiting, keras.layers.Dense(units, **arguments)(waiting), name="net")


def test_two_classes_have_two_logits():
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 3)).astype(np.float32)
    y = (x[:, 0] + 0.5 * random.normal(size=80) > 0.2).astype(int)
    logits = LastLayerRefit().fit(dense(), x, y).predict(x, verbose=0)
    expected = LogisticRegression().fit(x, y).predict_proba(x)
    np.testing.assert_allclose(np.exp(log_softmax(logits, axis=-1)), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (lambda: dense(activation="softmax"), "has an activation, softmax"),
        (lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.ReLU()]), "not in a Dense"),
    ],
)
def test_models_without_logits_at_their_end_are_refused(model, complaint):
    x, y = np.ones((4, 3), np.float32), np.array([0, 1, 0, 1])
    for scaling in (TemperatureScaling(), VectorScaling(), LastLayerRefit()):
        with pytest.raises(ValueError, match=complaint):
            scaling.fit(model(), x, y)


def test_a_last_layer_without_bias_takes_a_temperature_and_nothing_more():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 3)).astype(np.float32), np.arange(60) % 2
    model, scaling = dense(use_bias=False), TemperatureScaling()
    scaled = scaling.fit(model, x, y).predict(x, verbose=0)
    np.testing.assert_allclose(scaled, model.predict(x, verbose=0) / scaling.temperature_, rtol=1e-5)
    for other in (VectorScaling(), LastLayerRefit()):
        with pytest.raises(ValueError, match="has no bias"):
            other.fit(model, x, y)


@pytest.mark.parametrize(
    ("logits", "y", "complaint"),
    [
        (np.zeros((3, 2)), [0, 1], "do not go together"),
        (np.zeros((0, 2)), [], "do not go together"),
        (np.full((2, 2), np.nan), [0, 1], "not all finite"),
        (np.zeros((2, 2)), [0, 2], "labels from 0 to 2, but logits of 2"),
    ],
)
def test_logits_and_labels_that_do_not_fit_are_refused(logits, y, complaint):
    for scaling in (TemperatureScaling(), VectorScaling()):
        with pytest.raises(ValueError, match=complaint):
            scaling.fit_logits(logits, y)


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValueError, match="no temperatures from 2"):
        TemperatureScaling(2.0, 1.0)
    with pytest.raises(ValueError, match="strength is 0"):
        LastLayerRefit(0.0)
    with pytest.raises(ValueError, match="not all of the 2 classes"):
        LastLayerRefit().fit(dense(), np.ones((4, 3), np.float32), [0, 0, 0, 0])
