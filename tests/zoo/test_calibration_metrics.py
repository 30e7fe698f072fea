"""The metrics against float64 loops over samples, on ordinary and on extreme predictions."""

import keras
import numpy as np
import pytest

from zoo.calibration.metrics import (
    AdaptiveCalibrationError,
    BrierScore,
    ClasswiseCalibrationError,
    ExpectedCalibrationError,
    NegativeLogLikelihood,
)
from zoo.calibration.noise_floor import noise_floor
from zoo.testing import run_metric_test

RANDOM = np.random.default_rng(0)
COUNT, CLASSES = 60, 4
LABELS = RANDOM.integers(CLASSES, size=COUNT).astype(np.int32)
ORDINARY = RANDOM.normal(size=(COUNT, CLASSES)).astype(np.float32) * 2
EXTREME = (ORDINARY * 10.0 ** RANDOM.integers(0, 4, (COUNT, 1))).astype(np.float32)
EXTREME[::5] = np.where(np.eye(CLASSES)[LABELS[::5]], 1e4, -1e4)  # right and sure to the last bit
EXTREME[1::5] = np.where(np.eye(CLASSES)[(LABELS[1::5] + 1) % CLASSES], 1e4, -1e4)  # sure and wrong


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


LOGITS = {"ordinary": ORDINARY, "extreme": EXTREME}
INPUTS = {name: softmax(logits).astype(np.float32) for name, logits in LOGITS.items()}
EDGES = np.repeat(np.arange(1, 16) / 16, 4)  # exact in float32, and every other one an edge of 8 bins
INPUTS["on the edges"] = np.stack([EDGES, 0 * EDGES, 1e-3 + 0 * EDGES, 0 * EDGES], axis=-1).astype(np.float32)


def binned(bins):
    def reference(y, p, weight):
        gaps, total = dict.fromkeys(range(bins), 0.0), 0.0
        for label, row, w in zip(y, p, weight, strict=True):
            confidence = row.max()
            place = next(k for k in range(bins) if confidence * bins <= k + 1 or k == bins - 1)
            gaps[place] += w * (float(row.argmax() == label) - confidence)
            total += w
        return sum(map(abs, gaps.values())) / total

    return reference


def adaptive(bins):
    def reference(y, p, weight):
        confidence = p.max(-1)
        order = np.argsort(confidence, kind="stable")
        below = np.cumsum(weight[order])
        edges = [confidence[order][np.flatnonzero(below >= k * below[-1] / bins)[0]] for k in range(1, bins)]
        error = 0.0
        for low, high in zip([-np.inf, *edges], [*edges, np.inf], strict=True):
            inside = (confidence > low) & (confidence <= high)
            error += abs(np.sum((weight * ((p.argmax(-1) == y) - confidence))[inside]))
        return error / weight.sum()

    return reference


def classwise(y, p, weight):
    errors = []
    for k in range(CLASSES):
        places = np.ceil(p[:, k] * 10).clip(1, 10)
        errors += [abs(np.sum((weight * ((y == k) - p[:, k]))[places == b])) for b in range(1, 11)]
    return sum(errors) / weight.sum() / CLASSES


def brier(y, p, weight):
    return np.average(
        [np.sum((row - np.eye(CLASSES)[label]) ** 2) for label, row in zip(y, p, strict=True)], weights=weight
    )


def likelihood(y, p, weight):
    return np.average(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-7)), weights=weight)


def likelihood_of_logits(y, logits, weight):
    shifted = logits - logits.max(-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return np.average(-logs[np.arange(len(y)), y], weights=weight)


CASES = {
    "15 bins": (ExpectedCalibrationError, {"bins": 15}, binned(15)),
    "8 bins": (ExpectedCalibrationError, {"bins": 8}, binned(8)),
    "adaptive": (AdaptiveCalibrationError, {"bins": 6, "capacity": COUNT}, adaptive(6)),
    "class-wise": (ClasswiseCalibrationError, {"classes": CLASSES, "bins": 10}, classwise),
    "Brier": (BrierScore, {}, brier),
    "NLL": (NegativeLogLikelihood, {}, likelihood),
}


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("case", CASES)
def test_probabilities_give_what_float64_gives(case, inputs):
    metric_class, arguments, reference = CASES[case]
    run_metric_test(metric_class, arguments, LABELS, INPUTS[inputs], reference)


@pytest.mark.parametrize("inputs", LOGITS)
@pytest.mark.parametrize("case", CASES)
def test_logits_give_what_float64_gives(case, inputs):
    metric_class, arguments, reference = CASES[case]
    if metric_class is NegativeLogLikelihood:
        of_logits = likelihood_of_logits
    else:

        def of_logits(y, logits, weight):
            return reference(y, softmax(logits), weight)

    run_metric_test(metric_class, {**arguments, "from_logits": True}, LABELS, LOGITS[inputs], of_logits)


def test_a_sure_network_is_off_by_its_mistakes():
    sure = np.eye(4, dtype=np.float32)[[0, 1, 2, 3]]
    for metric in (ExpectedCalibrationError(), AdaptiveCalibrationError(capacity=4)):
        assert float(metric(np.array([0, 1, 2, 0]), sure)) == 0.25
    assert float(BrierScore()(np.array([0, 1, 2, 0]), sure)) == 0.5


def test_the_adaptive_error_does_not_depend_on_the_order_of_equals():
    p = np.repeat([[0.9, 0.1], [0.6, 0.4]], 10, axis=0).astype(np.float32)
    y = np.array([0, 1] * 10)
    values = set()
    for order in (np.arange(20), np.arange(20)[::-1], np.random.default_rng(0).permutation(20)):
        values.add(float(AdaptiveCalibrationError(bins=7, capacity=50)(y[order], p[order])))
    assert len(values) == 1
    np.testing.assert_allclose(values.pop(), 0.5 * 0.4 + 0.5 * 0.1, atol=1e-6)


def test_more_samples_than_there_is_room_for_are_not_passed_over_in_silence():
    metric = AdaptiveCalibrationError(capacity=COUNT - 1)
    assert np.isnan(metric(LABELS, INPUTS["ordinary"]))
    metric.reset_state()
    assert np.isfinite(metric(LABELS[:-1], INPUTS["ordinary"][:-1]))


def test_metrics_inside_evaluate_see_every_batch_and_keep_sums_that_float32_would_lose():
    """In one graph with a batch left over; 40,000 samples of .9 and success .9, whose gaps must cancel."""
    waiting = keras.Input((2,))
    model = keras.Model(waiting, keras.layers.Identity()(waiting))
    metrics = [ExpectedCalibrationError(), AdaptiveCalibrationError(), ClasswiseCalibrationError(2), BrierScore()]
    metrics.append(NegativeLogLikelihood())
    count = 40_000
    p = np.tile(np.float32([0.9, 0.1]), (count, 1))
    y = (np.arange(count) % 10 == 3).astype(np.int32)
    model.compile(loss="sparse_categorical_crossentropy", metrics=metrics)
    held = model.evaluate(p, y, batch_size=999, verbose=0, return_dict=True)
    for name in ("ece", "adaptive_ece", "classwise_ece"):
        assert held[name] < 5e-8, name
    np.testing.assert_allclose(held["brier"], 0.18, rtol=1e-6)
    np.testing.assert_allclose(held["nll"], -0.9 * np.log(0.9) - 0.1 * np.log(0.1), rtol=1e-6)


def test_the_noise_floor_is_the_error_of_labels_drawn_from_the_probabilities():
    p = softmax(np.random.default_rng(1).normal(size=(400, 5)) * 2)
    random, errors = np.random.default_rng(2), []
    for _ in range(300):
        drawn = (random.random((400, 1)) < p.cumsum(-1)).argmax(-1)
        errors.append(binned(15)(drawn, p, np.ones(400)))
    floor = noise_floor(p, draws=2_000)
    np.testing.assert_allclose(floor.mean, np.mean(errors), rtol=0.06)
    np.testing.assert_allclose(floor.percentile95, np.percentile(errors, 95), rtol=0.06)
    assert floor == noise_floor(p, draws=2_000)


def test_the_noise_floor_falls_with_the_root_of_the_number_of_samples_and_is_0_for_a_sure_network():
    p = softmax(np.random.default_rng(3).normal(size=(300, 5)) * 2)
    small, large = noise_floor(p, draws=300), noise_floor(np.tile(p, (16, 1)), draws=300)
    np.testing.assert_allclose(small.mean / large.mean, 4, rtol=0.1)
    assert noise_floor(np.eye(3), draws=10).percentile95 == 0.0


@pytest.mark.parametrize("bins", [0, 2.5])
def test_bins_that_are_none_are_refused(bins):
    with pytest.raises(ValueError, match=f"{bins} bins"):
        ExpectedCalibrationError(bins)
