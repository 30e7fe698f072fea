"""The error in decibels: against numpy, and with weights."""

import numpy as np
import pytest

from zoo.testing import run_metric_test
from zoo.wavenet.metrics.error_decibels import ErrorDecibels

FIELD, SAMPLES = 5, 12
RANDOM = np.random.default_rng(0)
Y_TRUE = RANDOM.normal(size=(7, SAMPLES, 1)).astype(np.float32)
Y_PRED = RANDOM.normal(size=(7, SAMPLES, 4)).astype(np.float32)


def error_decibels(y_true, y_pred, weight):
    error = sum(w * np.sum((p[FIELD:, 0] - t[FIELD:, 0]) ** 2) for t, p, w in zip(y_true, y_pred, weight, strict=True))
    return 10 * np.log10(error / sum(w * np.sum(t[FIELD:] ** 2) for t, w in zip(y_true, weight, strict=True)))


def test_metric_keeps_its_promises():
    run_metric_test(ErrorDecibels, {"receptive_field": FIELD}, Y_TRUE, Y_PRED, error_decibels)


def test_metric_weighs_single_samples():
    weight = np.zeros((7, SAMPLES), np.float32)
    weight[:, FIELD + 1] = 1.0
    metric = ErrorDecibels(FIELD)
    metric.update_state(Y_TRUE, Y_PRED, sample_weight=weight)
    at = np.s_[:, FIELD + 1, 0]
    expected = 10 * np.log10(np.sum((Y_PRED[at] - Y_TRUE[at]) ** 2) / np.sum(Y_TRUE[at] ** 2))
    assert float(metric.result()) == pytest.approx(expected, abs=1e-4)
