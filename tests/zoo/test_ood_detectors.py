"""Every detector points the right way, takes a model to pieces, and refuses what makes no sense."""

from functools import partial

import numpy as np
import pytest

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
from zoo.ood.evaluation import PIXELS, evaluate, fit_all, table, with_pixels
from zoo.ood.outputs import Outputs


def clouds(count, seed):
    random = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    centres = 2.0 * np.eye(CLASSES, 8)
    return (centres[y] + random.normal(0, 0.2, (count, 8))).astype("f"), y


def between(count, seed):
    random = np.random.default_rng(seed)
    return (0.5 * np.eye(CLASSES, 8).sum(axis=0) + random.normal(0, 0.2, (count, 8))).astype("f")


def network(seed, x, y, activation="relu"):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, activation, kernel_initializer=keras.initializers.HeNormal(seed)),
            keras.layers.Dense(CLASSES, kernel_initializer=keras.initializers.HeNormal(seed + 1)),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    model.fit(x, y, batch_size=50, epochs=12, shuffle=False, verbose=0)
    return model


@pytest.fixture(scope="module")
def toy():
    x, y = clouds(400, 0)
    models = [network(10 * seed, x, y) for seed in range(3)]
    return models, Classifier(models), x, y


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


# ODIN


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


# Classifier


def ending(*layers, hidden="relu"):
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, hidden), *layers])


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [keras.layers.Dense(3)],
        lambda: [keras.layers.Dense(3, "softmax")],
        lambda: [keras.layers.Dense(3, use_bias=False), keras.layers.Softmax()],
        lambda: [keras.layers.Dropout(0.5), keras.layers.Dense(3), keras.layers.Activation("softmax")],
    ],
    ids=["logits", "softmax inside", "softmax behind", "dropout in front"],
)
def test_classifier_finds_features_and_logits(layers):
    random = np.random.default_rng(0)
    model, x = ending(*layers()), random.normal(size=(300, 8)).astype("f")
    model.set_weights([weights + random.normal(size=weights.shape) for weights in model.get_weights()])  # biases too
    outputs = Classifier(model).outputs(x)
    predicted = model.predict(x, verbose=0)
    probabilities = "softmax" in model.layers[-1].name or getattr(model.layers[-1], "activation", None) is not (
        keras.activations.linear
    )
    logits = outputs.logits.astype(float)
    np.testing.assert_allclose(softmax(logits, axis=1) if probabilities else logits, predicted, atol=1e-5)
    np.testing.assert_allclose(np.maximum(by_layer(model.layers[0], x), 0), outputs.features, atol=1e-5)
    np.testing.assert_allclose(outputs.logits_from(outputs.features), logits, atol=1e-5)
    np.testing.assert_allclose(Classifier(model).logits_of(x), logits, atol=1e-5)


def by_layer(dense, x):
    kernel, bias = dense.get_weights()
    return x @ kernel + bias


class Subclass(keras.Model):
    def call(self, x):
        return x


def convolutional():
    return keras.Sequential([keras.Input((8, 2)), keras.layers.Dense(3)])


def two_outputs():
    images = keras.Input((8,))
    return keras.Model(images, [keras.layers.Dense(3)(images), keras.layers.Dense(3)(images)])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subclass, "no graph"),
        (lambda: keras.Sequential([keras.layers.Dense(3)]), "no graph"),
        (lambda: ending(keras.layers.BatchNormalization()), "BatchNormalization"),
        (lambda: ending(keras.layers.Dense(3, "relu")), "'relu'"),
        (lambda: keras.Sequential([keras.Input((8,)), keras.layers.Softmax()]), "InputLayer"),
        (convolutional, "not one vector of features"),
        (two_outputs, "1 inputs and 2 outputs"),
        (lambda: [ending(keras.layers.Dense(3)), ending(keras.layers.Dense(4))], r"\[3, 4\] classes"),
    ],
)
def test_models_that_cannot_be_cut_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        Classifier(model())


def test_images_of_another_shape_are_refused(toy):
    _, classifier, _, _ = toy
    for x in (np.zeros((3, 7)), np.zeros(8), np.zeros((0, 8))):
        with pytest.raises(ValueError, match="images of shape"):
            classifier.outputs(x)


def test_whole_numbers_have_no_gradient():
    images = keras.Input((8,), dtype="int32")
    model = keras.Model(images, keras.layers.Dense(3)(keras.layers.Rescaling(0.1)(images)))
    classifier = Classifier(model)
    assert classifier.outputs(np.ones((2, 8), int)).logits.shape == (2, 3)
    with pytest.raises(ValueError, match="int32"):
        classifier.log_softmax_gradient(np.ones((2, 8), int))


# What is refused


@pytest.mark.parametrize("field", ["features", "logits", "kernel", "bias", "members"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_by_name(field, value):
    arrays = {name: np.array(getattr(TEST, name)) for name in ("features", "logits", "kernel", "bias", "members")}
    arrays[field].flat[3] = value
    with pytest.raises(ValueError, match=f"{field} hold NaN or infinity"):
        Outputs(**arrays)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"features": np.ones((50, WIDTH + 1))}, "features have shape"),
        ({"logits": np.ones((49, CLASSES))}, "logits have shape"),
        ({"logits": np.ones(50)}, "two axes"),
        ({"bias": np.ones(1)}, "bias have shape"),
        ({"members": np.ones((2, 50, CLASSES + 1))}, "members have shape"),
        ({"x": np.ones((49, 8))}, "49 images"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    arrays = {name: getattr(TEST, name) for name in ("features", "logits", "kernel", "bias")}
    with pytest.raises(ValueError, match=message):
        Outputs(**{**arrays, **changed})


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


# All of them together


def test_the_table_has_every_detector_and_the_baseline(toy):
    models, classifier, x, y = toy
    inliers, kinds = clouds(60, 3)[0], {"near": between(60, 4), "far": between(60, 5) + 9}
    detectors = fit_all(classifier.outputs(x), y)
    assert list(detectors) == list(DETECTORS)
    assert "ensemble" not in fit_all(Classifier(models[0]).outputs(x), y, ["entropy", "ensemble"])
    result = evaluate(detectors, classifier.outputs(inliers), {k: classifier.outputs(v) for k, v in kinds.items()})
    result = with_pixels(result, x, inliers, kinds)
    rows = table(result).splitlines()
    assert [row.split("  ")[0] for row in rows[2:]] == list(result.titles.values())
    assert len(set(result.titles.values())) == len(DETECTORS) + 1
    assert result.inliers["energy"].shape == (60,) and set(result.outliers["energy"]) == {"near", "far"}
    near = result.separations[PIXELS]["near"].auroc
    nearest = np.sort(np.linalg.norm(np.concatenate([inliers, kinds["near"]])[:, None] - x, axis=2), axis=1)[:, 49]
    np.testing.assert_allclose(result.inliers[PIXELS], nearest[:60], rtol=1e-4)
    np.testing.assert_allclose(result.outliers[PIXELS]["near"], nearest[60:], rtol=1e-4)
    assert near == pytest.approx(roc_auc_score(np.repeat([0, 1], 60), nearest), abs=1e-6)
    figures = [float(value) for value in rows[2].removeprefix("k-NN on pixels").split()]
    assert len(figures) == 8 and figures[0] == pytest.approx(100 * near, abs=0.051)


def test_taking_some_of_the_images():
    some = TEST.take(np.array([4, 7]))
    assert len(some) == 2
    np.testing.assert_array_equal(some.members, TEST.members[:, [4, 7]])
    for name, kind in DETECTORS.items():
        if name != "odin":
            detector = kind().fit_outputs(TRAINING)
            np.testing.assert_allclose(detector.score_outputs(some), detector.score_outputs(TEST)[[4, 7]], atol=1e-6)
