"""The Kalman filter on devices: as it is on a microcontroller, and once it has settled on an FPGA."""

import keras
import numpy as np
import pytest

from compiler import CompileError, compile
from zoo.kalman import device, reference
from zoo.kalman.cell import KalmanCell
from zoo.kalman.model import build
from zoo.kalman.throws import observe

RANDOM = np.random.default_rng(0)


def a_filter(**options):
    cell = KalmanCell(**options)
    cell.build((None, 3))
    for variable in cell.variables:
        variable.assign(variable + 0.1 * RANDOM.standard_normal(variable.shape).astype(np.float32))
    if options.get("parameters") == "matrix":
        cell.transition.assign(0.9 * np.eye(4) + 0.3 * np.eye(4, k=2))  # a motion that does not run away
    return cell


def circling(steps, missing_rate):
    turn = 0.02 * np.arange(steps)
    path = np.stack([3 * np.cos(turn), np.sin(3 * turn)], axis=-1) + 0.1 * RANDOM.standard_normal((steps, 2))
    return observe(path[None], missing_rate, 1)[0]


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"acceleration": True, "learn_start": True}, 10_000),
        ({"parameters": "matrix", "acceleration": True, "learn_start": True, "missing": "feed_back"}, 500),
    ],
)
def test_the_filter_streams_with_gaps(options, steps, tmp_path):
    model, inputs = build(a_filter(**options)), circling(steps, 0.2)
    model.save(tmp_path / "kalman.keras")
    found = compile(tmp_path / "kalman.keras", target="mcu", out=tmp_path / "out").run(inputs)
    wanted = model.predict(inputs[None], verbose=0)[0]
    assert np.abs(found - wanted).max() <= 1e-5 * max(1.0, np.abs(wanted).max())


def test_a_learnt_start_is_the_first_that_is_said(tmp_path):
    cell = a_filter(learn_start=True)
    cell.start_mean.assign([1.0, 2.0, 3.0, 4.0])
    inputs, model = circling(20, 0.3), build(cell)
    model.save(tmp_path / "kalman.keras")
    found = compile(tmp_path / "kalman.keras", target="mcu", out=tmp_path / "out").run(inputs)
    np.testing.assert_allclose(found[0], reference.predict(reference.numbers_of(cell), inputs[None])[0, 0], rtol=1e-5)
    assert np.abs(found[0]).min() > 1.0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda layer: layer.cell.__setattr__("missing", "guess"), "missing='guess' is neither"),
        (lambda layer: layer.cell.__setattr__("parameters", "few"), "parameters='few' is neither"),
    ],
)
def test_cells_that_are_none_of_these(change, complaint, tmp_path):
    model = build(a_filter())
    change(model.get_layer("filter"))
    model.save(tmp_path / "kalman.keras")
    with pytest.raises(CompileError, match=complaint):
        compile(tmp_path / "kalman.keras", target="mcu", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_states_of_a_filter_are_not_returned(tmp_path):
    inputs = keras.Input((None, 3))
    outputs = keras.layers.RNN(a_filter(), return_sequences=True, return_state=True, name="filter")(inputs)
    keras.Model(inputs, outputs[0]).save(tmp_path / "kalman.keras")
    with pytest.raises(CompileError, match="states of a KalmanCell"):
        compile(tmp_path / "kalman.keras", target="mcu", out=tmp_path / "out")


def test_the_settled_filter_as_a_recurrent_layer(tmp_path):
    cell = a_filter(acceleration=True, learn_start=True)
    numbers, inputs = reference.numbers_of(cell), circling(500, 0.0)
    model = device.recurrent(device.settle(numbers))
    exact = reference.predict(numbers, inputs[None])[0]
    found = model.predict(inputs[None, :, :2], verbose=0)[0]
    np.testing.assert_allclose(found[0], exact[0], atol=1e-5)  # the start
    np.testing.assert_allclose(found[100:], exact[100:], atol=1e-5)  # the gain has settled
    model.save(tmp_path / "settled.keras")
    streamed = compile(tmp_path / "settled.keras", target="mcu", out=tmp_path / "out").run(inputs[:, :2])
    np.testing.assert_allclose(streamed, found, atol=1e-5)


def test_the_settled_filter_as_a_convolution_on_an_fpga(tmp_path):
    numbers = reference.numbers_of(a_filter(acceleration=True))
    settled = device.settle(numbers)
    model, inputs = device.convolution(settled), circling(300, 0.0)[:, :2] / 4
    count = model.get_layer("taps").kernel_size[0]
    exact = device.recurrent(settled).predict(inputs[None], verbose=0)[0]
    found = model.predict(inputs[None], verbose=0)[0]
    assert np.abs(found - exact)[count:].max() < device.CUT
    assert np.abs(found - exact)[0].max() > device.CUT  # the taps are not full there
    short = device.taps_of(settled)[:-1]
    left = np.abs(device.taps_of(settled, 1e-12)[len(short) :]).sum(axis=0).max()
    assert left >= device.CUT  # one tap less would not do
    model.save(tmp_path / "taps.keras")
    fixed = compile(tmp_path / "taps.keras", target="fpga", out=tmp_path / "out").run(inputs)
    assert np.abs(fixed - exact)[count:].max() < 4 * 2.0**-12


def test_a_motion_without_noise_does_not_settle():
    cell = a_filter()
    cell.log_acceleration_noise.assign(-20.0)
    with pytest.raises(ValueError, match=r"remembers for too long|does not settle"):
        device.taps_of(device.settle(reference.numbers_of(cell)))
