"""Loss and metric: against numpy, blind where they must be, and the same in both Keras."""

import numpy as np
import pytest

from zoo.testing import run_loss_test
from zoo.wavenet.batches import WaveBatches
from zoo.wavenet.losses.settled_mean_squared_error import SettledMeanSquaredError
from zoo.wavenet.metrics.error_decibels import ErrorDecibels
from zoo.wavenet.quantized.legacy import LegacyErrorDecibels, LegacySettledMeanSquaredError
from zoo.wavenet.quantized.model import build_quantized
from zoo.wavenet.waves import FIXED_POINT

FIELD, SAMPLES = 5, 12
RANDOM = np.random.default_rng(0)
Y_TRUE = RANDOM.normal(size=(7, SAMPLES, 1)).astype(np.float32)
Y_PRED = RANDOM.normal(size=(7, SAMPLES, 4)).astype(np.float32)


def mean_squares(y_true, y_pred):
    return np.array([np.mean((p[FIELD:, 0] - t[FIELD:, 0]) ** 2) for t, p in zip(y_true, y_pred, strict=True)])


def test_loss_keeps_its_promises():
    run_loss_test(SettledMeanSquaredError, {"receptive_field": FIELD}, Y_TRUE, Y_PRED, mean_squares)


@pytest.mark.parametrize("loss_class", [SettledMeanSquaredError, LegacySettledMeanSquaredError])
def test_loss_is_blind_up_to_the_receptive_field_and_not_after(loss_class):
    loss = loss_class(FIELD)
    clean = float(loss(Y_TRUE, Y_PRED))
    for sample in range(SAMPLES):
        planted = Y_PRED.copy()
        planted[2, sample, 0] += 10.0
        assert (float(loss(Y_TRUE, planted)) == clean) == (sample < FIELD), sample
    planted = Y_PRED.copy()
    planted[..., 1:] += 10.0
    assert float(loss(Y_TRUE, planted)) == clean  # channels without a target


def test_loss_refuses_waves_with_nothing_to_learn_from():
    with pytest.raises(ValueError, match="waves of 12 samples have nothing past a receptive field of 12"):
        SettledMeanSquaredError(SAMPLES)(Y_TRUE, Y_PRED)


def test_legacy_twins_agree():
    loss, twin = SettledMeanSquaredError(FIELD), LegacySettledMeanSquaredError(FIELD)
    assert float(loss(Y_TRUE, Y_PRED)) == pytest.approx(float(twin(Y_TRUE, Y_PRED)), rel=1e-6)
    assert LegacySettledMeanSquaredError.from_config(twin.get_config()).receptive_field == FIELD
    weights = np.linspace(0, 2, 7).astype(np.float32)
    metric, twin = ErrorDecibels(FIELD), LegacyErrorDecibels(FIELD)
    assert float(twin.result()) == 0.0
    for cut in (slice(0, 3), slice(3, 7)):
        metric.update_state(Y_TRUE[cut], Y_PRED[cut], sample_weight=weights[cut])
        twin.update_state(Y_TRUE[cut], Y_PRED[cut], sample_weight=weights[cut])
    assert float(metric.result()) == pytest.approx(float(twin.result()), abs=1e-4)
    assert LegacyErrorDecibels.from_config(twin.get_config()).receptive_field == FIELD


def test_loss_ignores_spare_channels_inside_fit_where_shapes_are_unknown():
    waves = WaveBatches(channels=FIXED_POINT, batch_size=4, samples=80, batches=2)
    model = build_quantized(seed=0)
    spare = [weight[..., 1:].copy() for weight in model.get_layer("causal_2").get_weights()]
    model.compile("sgd", LegacySettledMeanSquaredError(64), metrics=[LegacyErrorDecibels(64)])
    model.fit(*waves.whole_epoch(), batch_size=waves.batch_size, shuffle=False, verbose=0)
    trained = model.get_layer("causal_2").get_weights()
    assert all(np.array_equal(after[..., 1:], before) for after, before in zip(trained, spare, strict=True))
    assert np.any(trained[1][0] != 0.0)
