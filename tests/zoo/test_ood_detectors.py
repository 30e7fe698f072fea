"""Every detector points the right way, takes a model to pieces, and refuses what makes no sense."""

from functools import partial

import numpy as np
import pytest
from clouds import between, clouds, three_networks

from zoo.quiet import quiet_import

with quiet_import():
    import keras
from outlier_samples import CLASSES, EXTREME, LABELS, TEST, TRAINING, WIDTH, of_logits, synthetic
from scipy.special import logsumexp, softmax
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from zoo.ood.classifier import Classifier
from zoo.ood.detectors.ash import Ash
from zoo.ood.detectors.confidence import Energy, Entropy
from zoo.ood.detectors.ensemble import EnsembleDisagreement
from zoo.ood.detectors.entropy_density import EntropyDensity
from zoo.ood.detectors.mahalanobis import Mahalanobis
from zoo.ood.detectors.nearest_neighbours import KNearestNeighbours
from zoo.ood.detectors.odin import Odin
from zoo.ood.detectors.react import React
from zoo.ood.detectors.table import DETECTORS, load
from zoo.ood.detectors.vim import Vim
from zoo.ood.outputs import Outputs


@pytest.fixture(scope="module")
def toy():
    return three_networks()


@pytest.mark.parametrize("name", DETECTORS)
def test_higher_is_more_outlying(toy, name, tmp_path):
    models, classifier, x, y = toy
    inliers, outliers = clouds(100, 1)[0], between(100, 2)
    detector = DETECTORS[name]().fit(classifier, x, y)
    both = np.concatenate([inliers, outliers])
    scores = detector.score(both)
    assert scores.shape == (200,) and scores.dtype == np.float64
    assert roc_auc_score(np.repeat([0, 1], 100), scores) > 0.8

    detector.save(tmp_path / "detector.npz")
    loaded = load(tmp_path / "detector.npz", models)
    assert type(loaded) is type(detector) and loaded.get_params() == detector.get_params()
    np.testing.assert_allclose(loaded.score(both), scores, rtol=1e-6)
    if not detector.needs_images:
        bare = load(tmp_path / "detector.npz")
        np.testing.assert_allclose(bare.score_outputs(classifier.outputs(both)), scores, rtol=1e-6)
        with pytest.raises(ValueError, match="no model"):
            bare.score(outliers)


@pytest.mark.parametrize("name", [name for name in DETECTORS if name != "odin"])
def test_extreme_logits_and_constant_features_give_finite_scores(name):
    def constant(logits, feature):
        logits = np.asarray(logits, np.float32)
        features = np.full((len(logits), WIDTH), feature, "f")
        kernel, bias = np.full((WIDTH, CLASSES), 0.1, "f"), np.zeros(CLASSES, "f")
        return Outputs(features, logits, kernel, bias, np.stack([logits, -logits]))

    for feature in (0.0, 3.0):
        detector = DETECTORS[name]().fit_outputs(constant(np.repeat(EXTREME, 4, axis=0), feature))
        assert np.isfinite(detector.score_outputs(constant(EXTREME, feature))).all()
        assert np.isfinite(detector.score_outputs(constant(EXTREME, feature + 1))).all()
        assert np.isfinite(detector.score_outputs(constant(EXTREME, 1e4))).all()
    detector = DETECTORS[name]().fit_outputs(synthetic(60, 0, scale=1e4))
    assert np.isfinite(detector.score_outputs(synthetic(60, 1, scale=1e4))).all()


@pytest.mark.parametrize("name", ["mahalanobis", "knn", "vim"])
def test_a_new_direction_is_outlying_where_training_features_were_constant(name):
    training = Outputs(np.ones((20, 3), "f"), np.ones((20, 2), "f"), np.ones((3, 2), "f"), np.zeros(2, "f"))
    test = Outputs(np.array([[1, 1, 1], [1, 1, 2]], "f"), np.ones((2, 2), "f"), training.kernel, training.bias)
    usual, new = DETECTORS[name]().fit_outputs(training).score_outputs(test)
    assert new > usual + 1e-3


def smooth():
    images = keras.Input((5,))
    hidden = keras.layers.Dense(7, "tanh", kernel_initializer=keras.initializers.GlorotNormal(1))(images)
    return keras.Model(images, keras.layers.Dense(3, kernel_initializer=keras.initializers.GlorotNormal(2))(hidden))


def by_numpy(model, x):
    (a, b), (c, d) = (map(np.float64, layer.get_weights()) for layer in model.layers[1:])
    return np.tanh(x.astype(float) @ a + b) @ c + d


@pytest.mark.parametrize("temperature", [1.0, 1000.0])
def test_odins_gradient_equals_finite_differences(temperature):
    model, x = smooth(), np.random.default_rng(0).normal(size=(300, 5)).astype("f")  # more than one batch

    def largest(at):
        logits = by_numpy(model, at) / temperature
        return (logits - logsumexp(logits, axis=1, keepdims=True)).max(axis=1)

    step = 1e-5
    expected = np.stack(
        [(largest(x + step * axis) - largest(x - step * axis)) / (2 * step) for axis in np.eye(5)], axis=1
    )
    gradient = Classifier(model).log_softmax_gradient(x, temperature)
    assert gradient.shape == x.shape
    np.testing.assert_allclose(gradient * temperature, expected * temperature, atol=1e-4)


@pytest.mark.parametrize("magnitude", [0.0, 0.05])
def test_odin_moves_images_towards_the_predicted_class(magnitude):
    model, x = smooth(), np.random.default_rng(0).normal(size=(40, 5)).astype("f")
    classifier = Classifier(model)
    slope = np.sign(classifier.log_softmax_gradient(x, 10.0))
    moved = x + magnitude * np.ptp(x).astype(float) * slope
    expected = 1 - softmax(by_numpy(model, moved) / 10.0, axis=1).max(axis=1)
    score = Odin(10.0, magnitude).fit(classifier, x).score(x)
    np.testing.assert_allclose(score, expected, atol=1e-6)
    still = Odin(10.0, 0.0).fit(classifier, x).score(x)
    assert np.all(score <= still + 1e-7)


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (Energy(0.0), "temperature"),
        (Energy(np.nan), "temperature"),
        (Odin(temperature=-1.0), "temperature"),
        (Odin(magnitude=-0.1), "magnitude"),
        (Mahalanobis(1.5), "shrinkage"),
        (KNearestNeighbours(0), "k of 0"),
        (Vim(WIDTH), "no residual"),
        (React(101.0), "percentile"),
        (Ash("s", 100.0), "percentile"),
        (Ash("p"), "variant"),
        (EnsembleDisagreement("entropy"), "measure"),
        (EntropyDensity(0.0), "bandwidth"),
        (EntropyDensity(samples=1), "samples"),
    ],
)
def test_arguments_out_of_range_are_refused(detector, message):
    random = np.random.default_rng(0)
    outputs = Outputs(*(getattr(TRAINING, name) for name in ("features", "logits", "kernel", "bias", "members")),
                      x=random.normal(size=(200, 3)), logits_of=lambda x: x)  # fmt: skip
    with pytest.raises(ValueError, match=message):
        detector.fit_outputs(outputs)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_that_was_not_fitted_says_so(name, tmp_path):
    detector = DETECTORS[name]()
    for call in (partial(detector.score_outputs, TEST), partial(detector.save, tmp_path / "file.npz")):
        with pytest.raises(NotFittedError):
            call()
    assert not (tmp_path / "file.npz").exists()


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="labels of shape"):
        Entropy().fit_outputs(TRAINING, LABELS[:10])
    with pytest.raises(ValueError, match="no images"):
        Entropy().fit_outputs(TRAINING.take(slice(0)))
    with pytest.raises(ValueError, match="two models"):
        EnsembleDisagreement().fit_outputs(of_logits(EXTREME))
    with pytest.raises(ValueError, match="needs images"):
        Odin().fit_outputs(TRAINING)
    with pytest.raises(ValueError, match=f"fitted to {WIDTH} features"):
        Entropy().fit_outputs(TRAINING).score_outputs(of_logits(EXTREME))


def test_files_without_a_detector_are_refused(tmp_path):
    path = tmp_path / "file.npz"
    with pytest.raises(ValueError, match="holds no detector"):
        load(path)
    path.write_text("text")
    with pytest.raises(ValueError, match="holds no detector"):
        load(path)
    np.savez(path, about=np.array('{"detector": "Unknown", "arguments": {}}'))
    with pytest.raises(ValueError, match="holds no detector"):
        load(path)
    np.savez(path, about=np.array(["an object"], dtype=object))
    with pytest.raises(ValueError, match="holds no detector"):
        load(path)
