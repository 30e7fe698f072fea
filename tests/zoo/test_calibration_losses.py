"""The losses against float64 formulas in probabilities, on ordinary and on extreme logits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.calibration.losses import (
    MaximumMeanCalibrationError,
    SampleDependentFocalLoss,
    SparseFocalLoss,
    SparseLabelSmoothing,
)
from zoo.testing import run_loss_test

RANDOM = np.random.default_rng(0)
LABELS = np.array([0, 1, 2, 3, 4, 1, 0, 2], np.int32)
ORDINARY = RANDOM.normal(size=(8, 5)).astype(np.float32) * 3
EXTREME = (ORDINARY * np.array([1, 10, 1e2, 1e3, 3e3, 1, 30, 1e3])[:, None]).astype(np.float32)
EXTREME[5:] += np.array([[9876.5], [-5000.25], [1e4]], np.float32)
EXTREME[0] = [9998.5, -1e4, 0, 1e4, -1e4]
EXTREME[1] = [-1e4, 1e4, 0, 0, 0]
INPUTS = {"ordinary": ORDINARY, "extreme": EXTREME}


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def log_p(y, logits):
    return log_softmax(logits)[np.arange(len(y)), y]


def focal(gamma):
    def reference(y, logits):
        logs = log_p(y, logits)
        return (-np.expm1(logs)) ** gamma * -logs

    return reference


def sample_dependent(y, logits):
    return np.where(np.exp(log_p(y, logits)) < 0.2, focal(5.0)(y, logits), focal(3.0)(y, logits))


def smoothed(y, logits):
    target = 0.9 * np.eye(5)[y] + 0.1 / 5
    return -(target * log_softmax(logits)).sum(-1)


def mmce(y, logits):
    p = np.exp(log_softmax(logits))
    r, c = p.max(-1), (p.argmax(-1) == y).astype(np.float64)
    pairs = sum(
        (c[i] - r[i]) * (c[j] - r[j]) * np.exp(-abs(r[i] - r[j]) / 0.4) for i in range(len(y)) for j in range(len(y))
    )
    return -log_p(y, logits) + 2.0 * np.sqrt(pairs) / len(y)


CASES = {
    "focal 0": (SparseFocalLoss, {"gamma": 0.0}, focal(0.0)),
    "focal 0.5": (SparseFocalLoss, {"gamma": 0.5}, focal(0.5)),
    "focal 2": (SparseFocalLoss, {"gamma": 2.0}, focal(2.0)),
    "FLSD-53": (SampleDependentFocalLoss, {}, sample_dependent),
    "label smoothing": (SparseLabelSmoothing, {"smoothing": 0.1}, smoothed),
    "MMCE": (MaximumMeanCalibrationError, {"weight": 2.0, "width": 0.4}, mmce),
}


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_float64(case, inputs):
    loss_class, arguments, reference = CASES[case]
    run_loss_test(loss_class, arguments, LABELS, INPUTS[inputs], reference)


def gradient(loss, labels, logits):
    logits = tf.constant(logits, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(np.asarray(labels), logits)
    return value.numpy(), tape.gradient(value, logits).numpy()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 3.0])
def test_the_focal_loss_of_two_classes_keeps_its_digits_at_both_ends(gamma):
    """Relative to the value itself, where 1 - p is far below the spacing of float32 numbers at 1."""
    margins = np.array([-80.0, -30.0, -17.0, -5.0, 0.0, 5.0, 17.0, 60.0, 1e4])
    logits = np.stack([np.zeros_like(margins), margins], axis=-1)
    value, slopes = gradient(SparseFocalLoss(gamma, reduction="none"), np.zeros(len(margins), int), logits)
    odds = np.exp(np.minimum(margins, 500))  # (1 - p) / p
    q, surprise = odds / (1 + odds), np.where(margins > 500, margins, np.log1p(odds))
    # (1 + gamma) |margin| ulps: the exponential turns absolute errors of its argument into relative ones.
    np.testing.assert_allclose(value, q**gamma * surprise, rtol=3e-5, atol=1e-37)
    expected = gamma * q**gamma * (1 - q) * surprise + q ** (gamma + 1)
    np.testing.assert_allclose(slopes[:, 1], expected, rtol=3e-5, atol=1e-37)
    np.testing.assert_allclose(slopes[:, 0], -expected, rtol=3e-5, atol=1e-37)


def test_gamma_0_is_keras_cross_entropy():
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS, ORDINARY)
    np.testing.assert_allclose(SparseFocalLoss(0.0)(LABELS, ORDINARY), theirs, rtol=1e-6)
    np.testing.assert_allclose(SparseLabelSmoothing(0.0)(LABELS, ORDINARY), theirs, rtol=1e-6)
    np.testing.assert_allclose(MaximumMeanCalibrationError(0.0)(LABELS, ORDINARY), theirs, rtol=1e-6)
    one_hot = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3)(np.eye(5)[LABELS], ORDINARY)
    np.testing.assert_allclose(SparseLabelSmoothing(0.3)(LABELS, ORDINARY), one_hot, rtol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_labels_may_have_an_axis_of_their_own_and_any_type(case):
    loss_class, arguments, _ = CASES[case]
    loss = loss_class(**arguments)
    np.testing.assert_array_equal(loss(LABELS[:, None].astype(np.int64), ORDINARY), loss(LABELS, ORDINARY))


def test_gamma_of_a_sample_changes_at_the_threshold_and_has_no_slope_itself():
    p = np.array([0.19, 0.21])
    logits = np.log(np.stack([p, 1 - p], axis=-1))
    value, slopes = gradient(SampleDependentFocalLoss(reduction="none"), [0, 0], logits)
    np.testing.assert_allclose(value, -((1 - p) ** np.array([5, 3])) * np.log(p), rtol=1e-5)
    below = gradient(SparseFocalLoss(5.0, reduction="none"), [0, 0], logits)[1]
    above = gradient(SparseFocalLoss(3.0, reduction="none"), [0, 0], logits)[1]
    np.testing.assert_allclose(slopes, [below[0], above[1]], rtol=1e-5)


def test_mmce_of_a_batch_that_is_right_and_sure_is_0_and_flat():
    sure = np.where(np.eye(4), 1e4, 0.0)
    value, slopes = gradient(MaximumMeanCalibrationError(5.0, reduction="none"), [0, 1, 2, 3], sure)
    np.testing.assert_array_equal(value, 0.0)
    np.testing.assert_array_equal(slopes, 0.0)


def test_mmce_falls_when_confidence_meets_accuracy():
    """Half of the predictions right: the penalty is least where the confidence is one half."""
    labels, penalty = np.array([0, 1] * 20), {}
    for confidence in (0.51, 0.7, 0.9, 0.999):
        logits = np.tile(np.log([confidence, 1 - confidence]), (40, 1)).astype(np.float32)
        with_penalty, without = (MaximumMeanCalibrationError(weight)(labels, logits) for weight in (1.0, 0.0))
        penalty[confidence] = float(with_penalty - without)
        np.testing.assert_allclose(penalty[confidence], confidence - 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: SparseFocalLoss(-1.0), "gamma is -1.0"),
        (lambda: SparseFocalLoss(float("nan")), "gamma is nan"),
        (lambda: SampleDependentFocalLoss(gamma_low=-5.0), "gamma_low is -5.0"),
        (lambda: SampleDependentFocalLoss(threshold=1.0), "threshold is 1.0"),
        (lambda: SparseLabelSmoothing(1.5), "smoothing is 1.5"),
        (lambda: MaximumMeanCalibrationError(width=0.0), "width 0.0"),
    ],
)
def test_parameters_out_of_range_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
