"""Every detector's score equals an independent version."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from zoo.quiet import quiet_import

with quiet_import():
    pass
from outlier_samples import CLASSES, EXTREME, LABELS, TEST, TRAINING, WIDTH, of_logits, synthetic
from scipy.special import logsumexp, softmax
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from sklearn.decomposition import PCA

from zoo.ood.detectors.ash import Ash, shaped
from zoo.ood.detectors.confidence import Energy, Entropy, MaxLogit, MaxSoftmax
from zoo.ood.detectors.ensemble import EnsembleDisagreement
from zoo.ood.detectors.entropy_density import EntropyDensity
from zoo.ood.detectors.mahalanobis import Mahalanobis
from zoo.ood.detectors.nearest_neighbours import KNearestNeighbours
from zoo.ood.detectors.react import React
from zoo.ood.detectors.vim import Vim
from zoo.ood.outputs import Outputs


def exactly(function, logits):
    """`function` of Decimal probabilities and logits with 60 digits, for each row."""
    values = []
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 60, -(10**6), 10**6
        for row in np.asarray(logits, np.float32):
            exact = [Decimal(float(value)) for value in row]
            powers = [value.exp() for value in exact]
            values.append(float(function([power / sum(powers) for power in powers], powers)))
    return np.array(values)


@pytest.mark.parametrize(
    ("detector", "reference"),
    [
        (Entropy(), lambda p, _: -sum(one * one.ln() for one in p)),
        (MaxSoftmax(), lambda p, _: 1 - max(p)),
        (Energy(), lambda _, powers: -sum(powers).ln()),
        (MaxLogit(), lambda _, powers: -max(powers).ln()),
    ],
    ids=["entropy", "max softmax", "energy", "max logit"],
)
def test_scores_of_logits_equal_exact_arithmetic_up_to_1e4(detector, reference):
    for logits in (EXTREME, TEST.logits):
        score = detector.fit_outputs(of_logits(logits)).score_outputs(of_logits(logits))
        # Relative, so that what is left beside a certain class counts: at 40 ahead it is 1e-17, not 0.
        np.testing.assert_allclose(score, exactly(reference, logits), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 10.0])
def test_energy_has_a_temperature(temperature):
    score = Energy(temperature).fit_outputs(TRAINING).score_outputs(TEST)
    expected = -temperature * logsumexp(TEST.logits.astype(float) / temperature, axis=1)
    np.testing.assert_allclose(score, expected, rtol=1e-12)


@pytest.mark.parametrize("shrinkage", [0.0, None])
def test_mahalanobis_equals_scikit_learn(shrinkage):
    means = np.stack([TRAINING.features[c == LABELS].mean(axis=0, dtype=float) for c in range(CLASSES)])
    kind = LedoitWolf if shrinkage is None else EmpiricalCovariance
    estimator = kind(assume_centered=True).fit(TRAINING.features - means[LABELS])
    expected = np.min([estimator.mahalanobis(TEST.features - mean) for mean in means], axis=0)
    score = Mahalanobis(shrinkage).fit_outputs(TRAINING, LABELS).score_outputs(TEST)
    np.testing.assert_allclose(score, expected, rtol=1e-8)


def test_mahalanobis_takes_the_predicted_classes_where_none_are_given():
    given = Mahalanobis().fit_outputs(TRAINING, LABELS).score_outputs(TEST)
    assert np.array_equal(Mahalanobis().fit_outputs(TRAINING).score_outputs(TEST), given)
    other = Mahalanobis().fit_outputs(TRAINING, np.zeros(200, int)).score_outputs(TEST)
    assert not np.allclose(other, given)


def test_mahalanobis_of_a_singular_covariance_is_that_without_what_repeats_or_stays():
    def with_copies(outputs, constant=1.0):
        mixed = outputs.features.astype(float) @ np.random.default_rng(0).normal(size=(WIDTH, 9))
        features = np.concatenate([outputs.features, mixed, np.full((len(outputs), 1), constant)], axis=1)
        return Outputs(features, outputs.logits, np.ones((WIDTH + 10, CLASSES)), outputs.bias)

    plain = Mahalanobis(0.0).fit_outputs(TRAINING, LABELS).score_outputs(TEST)
    copies = Mahalanobis(0.0).fit_outputs(with_copies(TRAINING), LABELS).score_outputs(with_copies(TEST))
    np.testing.assert_allclose(copies, plain, rtol=1e-6)
    shrunk = Mahalanobis(0.1).fit_outputs(with_copies(TRAINING), LABELS)
    moved = with_copies(TEST, 3.0)
    np.testing.assert_array_less(shrunk.score_outputs(with_copies(TEST)) + 1, shrunk.score_outputs(moved))
    unshrunk = Mahalanobis(0.0).fit_outputs(with_copies(TRAINING), LABELS)
    np.testing.assert_allclose(unshrunk.score_outputs(moved), plain, rtol=1e-6)
    # Out of the plane that the training features lie in, but for rounding: as far as its shadow in the plane.
    off = Outputs(with_copies(TEST).features + np.eye(WIDTH + 10)[WIDTH], TEST.logits, moved.kernel, moved.bias)
    means = np.stack([with_copies(TRAINING).features[c == LABELS].mean(axis=0) for c in range(CLASSES)])
    estimator = EmpiricalCovariance(assume_centered=True).fit(with_copies(TRAINING).features - means[LABELS])
    expected = np.min([estimator.mahalanobis(off.features - mean) for mean in means], axis=0)
    np.testing.assert_allclose(unshrunk.score_outputs(off), expected, rtol=1e-6)


@pytest.mark.parametrize("k", [1, 7, 10_000])
@pytest.mark.parametrize("unit", [True, False])
def test_nearest_neighbours_equal_all_distances_sorted(k, unit):
    def scaled(features):
        features = features.astype(float)
        return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-30) if unit else features

    apart = scaled(TEST.features)[:, None] - scaled(TRAINING.features)[None]
    expected = np.sort(np.sqrt((apart**2).sum(axis=2)), axis=1)[:, min(k, 200) - 1]
    score = KNearestNeighbours(k, unit).fit_outputs(TRAINING).score_outputs(TEST)
    np.testing.assert_allclose(score, expected, atol=1e-5)


@pytest.mark.parametrize(("dimensions", "kept"), [(2, 2), (None, WIDTH // 2), (0, 0)])
def test_vim_equals_scikit_learns_residual(dimensions, kept):
    origin = -np.linalg.pinv(TRAINING.kernel.T.astype(float)) @ TRAINING.bias
    training, test = TRAINING.features - origin, TEST.features - origin
    pca = PCA(n_components=WIDTH).fit(np.concatenate([training, -training]))  # mirrored: the mean is 0

    def length(x):
        return np.linalg.norm((x @ pca.components_.T)[:, kept:], axis=1)

    scale = TRAINING.logits.max(axis=1).mean(dtype=float) / length(training).mean()
    expected = scale * length(test) - logsumexp(TEST.logits.astype(float), axis=1)
    detector = Vim(dimensions).fit_outputs(TRAINING)
    np.testing.assert_allclose(detector.score_outputs(TEST), expected, rtol=1e-6)
    at_origin = detector.origin_ @ TRAINING.kernel + TRAINING.bias
    np.testing.assert_allclose(at_origin, 0, atol=1e-5)


def test_vim_rises_with_the_residual_even_where_all_logits_are_below_0():
    def lowered(outputs):
        return Outputs(outputs.features, outputs.logits - 100, outputs.kernel, outputs.bias)

    assert TRAINING.logits.max() < 100
    assert Vim().fit_outputs(lowered(TRAINING)).scale_ > 0


def test_react_cuts_at_the_percentile_of_all_features():
    cut = np.quantile(TRAINING.features.ravel(), 0.8)
    logits = np.where(TEST.features > cut, cut, TEST.features) @ TEST.kernel.astype(float) + TEST.bias
    assert (TEST.features > cut).any()
    score = React(80.0).fit_outputs(TRAINING).score_outputs(TEST)
    np.testing.assert_allclose(score, -logsumexp(logits, axis=1), rtol=1e-6)


@pytest.mark.parametrize("variant", ["s", "b"])
@pytest.mark.parametrize("percentile", [0, 50, 90, 99])
def test_ash_equals_a_loop_over_images(variant, percentile):
    expected = []
    for features in TEST.features.astype(float):
        removed = min(round(WIDTH * percentile / 100), WIDTH - 1)
        strongest = [place for place in np.argsort(features)[removed:] if features[place] > 0]
        kept = np.zeros(WIDTH)
        kept[strongest] = features.sum() / max(len(strongest), 1) if variant == "b" else features[strongest]
        if variant == "s" and strongest:
            kept *= np.exp(features.sum() / kept.sum())
        expected.append(-logsumexp(kept @ TEST.kernel + TEST.bias))
    score = Ash(variant, percentile).fit_outputs(TRAINING).score_outputs(TEST)
    np.testing.assert_allclose(score, expected, rtol=1e-6)


@pytest.mark.parametrize("variant", ["s", "b"])
def test_ash_does_not_depend_on_the_order_of_equal_features(variant):
    features = np.array([[2.0, 1.0, 1.0, 0.0], [1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    result = shaped(features, 50.0, variant)
    value = 4 / 3 if variant == "b" else None
    expected = np.array([value or 2 * np.e, value or np.e, value or np.e, 0])
    np.testing.assert_allclose(result, [expected, expected[[1, 0, 3, 2]], np.zeros(4)])
    np.testing.assert_allclose(shaped(-features, 50.0, variant), -result)


def test_ensemble_measures():
    p = softmax(TEST.members.astype(float), axis=-1)
    mean = p.mean(axis=0)
    information = -(mean * np.log(mean)).sum(axis=-1) + (p * np.log(p)).sum(axis=-1).mean(axis=0)
    score = EnsembleDisagreement().fit_outputs(TRAINING).score_outputs(TEST)
    np.testing.assert_allclose(score, information, rtol=1e-9)
    variance = ((p - mean) ** 2).mean(axis=0).sum(axis=-1)
    score = EnsembleDisagreement("variance").fit_outputs(TRAINING).score_outputs(TEST)
    np.testing.assert_allclose(score, variance, rtol=1e-12)


def test_ensemble_of_certain_models():
    agree, disagree = [[1e4, -1e4]] * 2, [[1e4, -1e4], [-1e4, 1e4]]
    outputs = of_logits(np.array([agree, disagree]).transpose(1, 0, 2))
    score = EnsembleDisagreement().fit_outputs(outputs).score_outputs(outputs)
    np.testing.assert_allclose(score, [0, np.log(2)], atol=1e-12)


@pytest.mark.parametrize("bandwidth", [0.2, None])
def test_entropy_density_equals_a_sum_of_gaussians(bandwidth):
    def entropies(outputs):
        p = softmax(outputs.logits.astype(float), axis=1)
        return -(p * np.log(p)).sum(axis=1)

    centres = entropies(TRAINING)
    spread = min(centres.std(), (np.quantile(centres, 0.75) - np.quantile(centres, 0.25)) / 1.349)
    width = bandwidth or 0.9 * spread / 200**0.2
    apart = (entropies(TEST)[:, None] - centres[None]) / width
    density = np.exp(-(apart**2) / 2).mean(axis=1) / (width * np.sqrt(2 * np.pi))
    score = EntropyDensity(bandwidth).fit_outputs(TRAINING).score_outputs(TEST)
    np.testing.assert_allclose(score, -np.log(density), rtol=1e-6, atol=1e-6)


def test_entropy_density_keeps_samples_that_stand_for_all():
    many = synthetic(3000, 5)
    few = EntropyDensity(0.1, samples=500).fit_outputs(many)
    assert few.entropies_.shape == (500, 1)
    np.testing.assert_allclose(
        few.score_outputs(TEST), EntropyDensity(0.1, samples=3000).fit_outputs(many).score_outputs(TEST), atol=0.05
    )


# A classifier that is trained in a second: four tight clouds, and outliers half way between them all.
