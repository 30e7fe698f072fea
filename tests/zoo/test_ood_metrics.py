"""The figures equal brute force over all pairs and thresholds, ties included, and the threshold is the best one."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from zoo.ood.metrics import aupr_in, aupr_out, auroc, fpr95, keep_threshold, precision_recall, rates, separation
from zoo.ood.threshold import ThresholdClassifier


def scores(kind, seed):
    random = np.random.default_rng(seed)
    n, m = random.integers(1, 60, 2)
    if kind == "ties":
        return random.integers(0, 5, n).astype(float), random.integers(1, 7, m).astype(float)
    if kind == "equal":
        return np.zeros(n), np.zeros(m)
    return random.normal(size=n), random.normal(size=m) + 1


CASES = [(kind, seed) for kind in ("ties", "distinct") for seed in range(12)] + [("equal", 0)]


def average_precision(wanted, others):
    """Precision at every threshold, weighted by how much recall it adds: wanted scores lie high."""
    total, found = 0.0, 0
    for threshold in sorted(set(wanted), reverse=True):
        hits = sum(wanted >= threshold)
        total += (hits - found) * hits / (hits + sum(others >= threshold))
        found = hits
    return total / len(wanted)


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_figures_equal_brute_force(kind, seed):
    inliers, outliers = scores(kind, seed)
    found = separation(inliers, outliers)
    pairs = outliers[:, None] - inliers[None]
    assert found.auroc == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean(), abs=1e-12)
    assert found.aupr_out == pytest.approx(average_precision(outliers, inliers), abs=1e-12)
    assert found.aupr_in == pytest.approx(average_precision(-inliers, -outliers), abs=1e-12)
    enough = [t for t in inliers if 100 * sum(inliers <= t) >= 95 * len(inliers)]  # in whole numbers
    assert found.fpr95 == pytest.approx(min(np.mean(outliers <= t) for t in enough), abs=1e-12)


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_figures_equal_scikit_learn(kind, seed):
    inliers, outliers = scores(kind, seed)
    labels, pooled = np.repeat([0, 1], [len(inliers), len(outliers)]), np.concatenate([inliers, outliers])
    assert auroc(inliers, outliers) == pytest.approx(roc_auc_score(labels, pooled))
    assert aupr_out(inliers, outliers) == pytest.approx(average_precision_score(labels, pooled))
    assert aupr_in(inliers, outliers) == pytest.approx(average_precision_score(1 - labels, -pooled))
    # With inliers as what is found, outliers are the false alarms.
    false_alarms, hits, _ = roc_curve(1 - labels, -pooled, drop_intermediate=False)
    assert fpr95(inliers, outliers) == pytest.approx(false_alarms[hits >= 0.95][0])


def test_outliers_that_score_higher_are_told_apart():
    perfect = separation(np.array([0.0, 1.0, 2.0]), np.array([3.0, 4.0]))
    assert (perfect.auroc, perfect.aupr_in, perfect.aupr_out, perfect.fpr95) == (1, 1, 1, 0)
    reversed_ = separation(np.array([3.0, 4.0]), np.array([0.0, 1.0, 2.0]))
    assert (reversed_.auroc, reversed_.fpr95) == (0, 1)


def test_curves_end_where_they_should():
    inliers, outliers = scores("distinct", 3)
    false_alarms, hits, thresholds = rates(inliers, outliers)
    assert (false_alarms[0], hits[0], false_alarms[-1], hits[-1]) == (0, 0, 1, 1)
    for alarm, hit, threshold in zip(false_alarms, hits, thresholds, strict=True):
        assert alarm == np.mean(inliers >= threshold) and hit == np.mean(outliers >= threshold)
    recall, precision = precision_recall(inliers, outliers)
    assert (recall[0], recall[-1], precision[-1]) == (1, 0, 1)


@pytest.mark.parametrize("metric", [auroc, aupr_in, aupr_out, fpr95, separation, rates, precision_recall])
@pytest.mark.parametrize(
    ("inliers", "outliers", "message"),
    [
        ([0.0, np.nan, np.nan], [1.0], "2 of the scores of inliers are NaN"),
        ([0.0], [1.0, np.nan], "1 of the scores of outliers are NaN"),
        ([0.0], [np.inf], "1 of the scores of outliers are infinite"),
        ([], [1.0], r"inliers have shape \(0,\)"),
        ([0.0], [[1.0]], r"outliers have shape \(1, 1\)"),
    ],
)
def test_scores_that_make_no_sense_are_refused(metric, inliers, outliers, message):
    with pytest.raises(ValueError, match=message):
        metric(np.array(inliers), np.array(outliers))


@pytest.mark.parametrize("keep", [0.0, 1.5, np.nan])
def test_a_part_to_keep_that_is_none_is_refused(keep):
    with pytest.raises(ValueError, match="to keep"):
        keep_threshold(np.ones(3), keep)


# The threshold classifier


@pytest.mark.parametrize("keep", [0.5, 0.95, 1.0])
def test_without_outliers_a_part_of_the_inliers_passes(keep):
    inliers = np.random.default_rng(0).normal(size=200)
    fitted = ThresholdClassifier(keep).fit(inliers)
    assert (~fitted.predict(inliers)).sum() == 200 * keep
    with pytest.raises(ValueError, match="needs outliers"):
        fitted.probability(inliers)


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_with_outliers_no_threshold_does_better(kind, seed):
    inliers, outliers = scores(kind, seed)
    fitted = ThresholdClassifier().fit(inliers, outliers)

    def errors(threshold):
        return np.mean(inliers > threshold) + np.mean(outliers <= threshold)

    every = np.concatenate([inliers, outliers, [-100.0]])
    best = min(errors(threshold) for threshold in every)
    assert fitted.predict(inliers).mean() + (~fitted.predict(outliers)).mean() == pytest.approx(best)


def test_probabilities_come_true_and_rise():
    random = np.random.default_rng(0)
    draws = [random.exponential(0.1, 4000), random.exponential(0.5, 8000)]  # as entropies do, they crowd at 0
    fitted = ThresholdClassifier().fit(draws[0][::2], draws[1][::4])
    held = draws[0][1::2], draws[1][1::4]
    mean, share = fitted.reliability(*held)
    assert len(mean) >= 7
    assert np.abs(share - mean).mean() < 0.05  # there are few in some of the bins
    probabilities = fitted.probability(np.linspace(-1, 9, 100))
    assert np.all(np.diff(probabilities) >= 0) and probabilities[0] >= 0 and probabilities[-1] <= 1
    # Both kinds count the same, however many of each there are.
    mean, share = ThresholdClassifier().fit(draws[0][::20], draws[1][::2]).reliability(*held)
    assert np.abs(share - mean).mean() < 0.08


def test_a_threshold_that_was_not_fitted_says_so():
    for call in (ThresholdClassifier().predict, ThresholdClassifier().probability):
        with pytest.raises(NotFittedError):
            call(np.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        ThresholdClassifier().fit(np.array([np.nan]))
    with pytest.raises(ValueError, match="to keep"):
        ThresholdClassifier(0.0).fit(np.ones(3))
