"""Retrieval metrics against brute force."""

import keras
import numpy as np
import pytest

from zoo.metric_learning.metrics import base
from zoo.metric_learning.metrics.retrieval import MeanAveragePrecisionAtR, PrecisionAtK, RecallAtK, RPrecision
from zoo.testing import run_metric_test

RANDOM = np.random.default_rng(5)
LABELS = np.append(RANDOM.integers(0, 4, 40), 9)  # class 9 has one member, whose query cannot be answered
X = (RANDOM.normal(size=(41, 3)) + LABELS[:, None]).astype(np.float32)


def brute_force(labels, x, weights, value):
    """The weighted mean over queries of value(sorted hits, number of relevant samples)."""
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    total = counted = 0.0
    for i in range(len(x)):
        others = sorted((j for j in range(len(x)) if j != i), key=lambda j: -(x[i] @ x[j]))
        hits = [labels[j] == labels[i] for j in others]
        if any(hits):
            total += weights[i] * value(hits, sum(hits))
            counted += weights[i]
    return np.float64(total / counted)


def average_precision(hits, r):
    return sum(sum(hits[: rank + 1]) / (rank + 1) for rank in range(r) if hits[rank]) / r


METRICS = {
    "R@1": (RecallAtK, {"k": 1}, lambda hits, r: hits[0]),
    "R@5": (RecallAtK, {"k": 5}, lambda hits, r: any(hits[:5])),
    "P@10": (PrecisionAtK, {"k": 10}, lambda hits, r: sum(hits[:10]) / 10),
    "R-precision": (RPrecision, {}, lambda hits, r: sum(hits[:r]) / r),
    "MAP@R": (MeanAveragePrecisionAtR, {}, average_precision),
}


@pytest.mark.parametrize("name", METRICS)
def test_streamed_in_uneven_batches_it_equals_brute_force(name, monkeypatch):
    monkeypatch.setattr(base, "CHUNK", 16)  # so that queries come in several chunks, the last one short
    metric_class, arguments, value = METRICS[name]
    arguments = {**arguments, "capacity": 50}
    run_metric_test(metric_class, arguments, LABELS, X, lambda y, x, weights: brute_force(y, x, weights, value))


def test_a_graph_computes_the_same():
    import tensorflow as tf

    for name in ("P@10", "MAP@R"):  # with a fixed depth, and with one that only the data tell
        metric_class, arguments, value = METRICS[name]
        metric = metric_class(**arguments, capacity=41)
        metric.update_state(LABELS[:1], X[:1])
        metric.reset_state()

        @tf.function(reduce_retracing=True)
        def stream(labels, x, metric=metric):
            metric.update_state(labels, x)
            return metric.result()

        for cut in (slice(0, 30), slice(30, 41)):
            result = stream(tf.constant(LABELS[cut]), tf.constant(X[cut]))
        assert float(result) == pytest.approx(brute_force(LABELS, X.astype(np.float64), np.ones(41), value), abs=1e-6)


def test_too_few_neighbours_are_wrong_ones():
    metric = PrecisionAtK(10, capacity=20)
    metric.update_state([0, 0, 0], X[:3])
    assert float(metric.result()) == pytest.approx(0.2)
    metric = RecallAtK(30, capacity=20)
    metric.update_state([0, 0, 1], X[:3])
    assert float(metric.result()) == 1.0


def test_of_equals_the_first_is_nearest():
    metric = RecallAtK(1, capacity=5)
    metric.update_state([0, 1, 0, 1], np.tile(X[:1], (4, 1)))
    # queries 0 and 2 find 1 and 0; queries 1 and 3 find 0
    assert float(metric.result()) == 0.25


def test_beyond_its_capacity_it_says_so():
    metric = RecallAtK(1, capacity=10)
    metric.update_state(LABELS[:10], X[:10])
    assert np.isfinite(float(metric.result()))
    metric.update_state(LABELS[10:11], X[10:11])
    assert np.isnan(float(metric.result()))
    metric.reset_state()
    metric.update_state(LABELS[:10], X[:10])
    assert np.isfinite(float(metric.result()))


def test_any_model_can_be_compiled_with_it():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(10)(inputs))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[RecallAtK(1, capacity=41)])
    value = model.evaluate(X, LABELS, batch_size=7, verbose=0, return_dict=True)["recall_at_1"]
    predicted = model.predict(X, verbose=0).astype(np.float64)
    assert value == pytest.approx(brute_force(LABELS, predicted, np.ones(41), lambda hits, r: hits[0]), abs=1e-6)


def test_k_below_one_is_refused():
    for metric_class in (RecallAtK, PrecisionAtK):
        with pytest.raises(ValueError, match="at least 1"):
            metric_class(0)
