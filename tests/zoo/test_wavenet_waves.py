"""The waves against their definitions, and the batches against their seed."""

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from zoo.wavenet.baselines import BASELINES, decibels, predict
from zoo.wavenet.batches import WaveBatches, held_out_batches
from zoo.wavenet.waves import (
    CORNERS,
    EDGES,
    FIXED_POINT,
    FLOAT,
    SHAPES,
    constant_power,
    corner_waves,
    phases,
    render,
    shape,
    triangle,
)

SMALL = WaveBatches(seed=3, batch_size=16, samples=64, batches=4)


def test_shapes_at_hand_computed_phases():
    p = np.array([0.0, 0.125, 0.25, 0.5, 0.625, 0.75])
    np.testing.assert_array_equal(triangle(p), [0, 0.5, 1, 0, -0.5, -1])
    np.testing.assert_allclose(shape("sine", p), [0, 0.5**0.5, 1, 0, -(0.5**0.5), -1], atol=1e-15)
    np.testing.assert_array_equal(shape("ramp", p), [-1, -0.75, -0.5, 0, 0.25, 0.5])
    np.testing.assert_array_equal(shape("square", p), [1, 1, 1, -1, -1, -1])
    np.testing.assert_array_equal(shape("zigzag", p), [-1, -0.5, 0, -1, -0.5, 0])
    with pytest.raises(ValueError, match="no shape is called 'saw'"):
        shape("saw", p)


@pytest.mark.parametrize("frequency", [40, 441, 480, 1999])
def test_phases_are_exact_and_do_not_drift(frequency):
    exact = [float(Fraction(frequency * n, 48_000) % 1) for n in range(48_000)]
    np.testing.assert_array_equal(phases(frequency, 48_000), exact)


def test_phases_stay_below_one():
    assert phases(np.array([40.0, 2000.0]), 1000, phase=-1e-20).max() < 1.0
    assert phases(123.4, 10, phase=0.25)[0] == pytest.approx(0.25)


@pytest.mark.parametrize("quantized", [False, True])
def test_corner_waves(quantized):
    inputs, targets = corner_waves(1_000, 480.0, quantized=quantized)
    assert inputs.shape == (4, 1_000, 4 if quantized else 3)
    assert targets.shape == (4, 1_000, 1)
    assert inputs.dtype == targets.dtype == np.float32
    p = np.arange(1_001) % 100 / 100
    np.testing.assert_allclose(inputs[..., 0], np.tile(triangle(p[:-1]), (4, 1)), atol=1e-6)
    corners = CORNERS * 2 - 1 if quantized else CORNERS
    np.testing.assert_array_equal(inputs[:, 0, 1:3], corners)
    assert (inputs[:, :, 1:3] == inputs[:, :1, 1:3]).all()
    if quantized:
        assert not inputs[..., 3].any()
    for index, name in enumerate(SHAPES):
        np.testing.assert_allclose(targets[index, :, 0], shape(name, p[1:]), atol=1e-6)  # one sample on


def test_corners_are_the_published_square():
    assert dict(zip(SHAPES, map(tuple, CORNERS.astype(int).tolist()), strict=True)) == {
        "sine": (0, 0),
        "ramp": (0, 1),
        "square": (1, 0),
        "zigzag": (1, 1),
    }
    assert all(np.abs(CORNERS[a] - CORNERS[b]).sum() == 1 for a, b in EDGES)


def test_mixing_keeps_the_power():
    first, second = constant_power(np.linspace(0, 1, 11))
    np.testing.assert_allclose(first**2 + second**2, 1.0)
    assert (first[0], second[0]) == (1.0, 0.0)
    assert first[5] == pytest.approx(second[5])


def test_a_wave_between_two_corners():
    p = phases(np.array([100.0]), 501)
    inputs, targets = render(p[:, :-1], p[:, 1:], np.array([[0, 2]]), np.array([0.25]), FIXED_POINT)
    np.testing.assert_allclose(inputs[0, 0, 1:3], [-0.5, -1.0])
    expected = np.cos(np.pi / 8) * shape("sine", p[0, 1:]) + np.sin(np.pi / 8) * shape("square", p[0, 1:])
    np.testing.assert_allclose(targets[0, :, 0], expected, atol=1e-6)


def test_batches_depend_on_seed_epoch_and_index_alone():
    inputs, targets = SMALL.batch(1, 2)
    SMALL.batch(0, 0)
    again = WaveBatches(seed=3, batch_size=16, samples=64, batches=4).batch(1, 2)
    np.testing.assert_array_equal(inputs, again[0])
    np.testing.assert_array_equal(targets, again[1])
    others = [
        SMALL.batch(1, 3),
        SMALL.batch(2, 2),
        replace(SMALL, seed=4).batch(1, 2),
        replace(SMALL, stream=1).batch(1, 2),
    ]
    assert all((other[0][..., 0] != inputs[..., 0]).any() for other in others)
    with pytest.raises(IndexError):
        SMALL.batch(0, 4)


def test_batches_hold_corners_and_edges_and_stay_in_range():
    inputs, targets = replace(SMALL, batch_size=400, channels=FLOAT).batch(0, 0)
    points = inputs[:, 0, 1:3]
    at_corner = np.isin(points, (0, 1)).all(axis=1)
    assert at_corner.sum() == 300
    assert all((points[at_corner] == corner).all(axis=1).sum() == 75 for corner in CORNERS)
    assert np.isin(points, (0, 1)).any(axis=1).all()  # the others lie on an edge
    steps = np.abs(np.diff(inputs[..., 0], axis=1)).max(axis=1) / 4 * 48_000
    assert steps.min() >= 39.9
    assert steps.max() <= 2_000.1
    assert np.abs(inputs).max() <= 1.0
    assert np.abs(targets).max() <= 2**0.5 + 1e-6


def test_held_out_waves_are_never_trained_on():
    held_out = held_out_batches()
    trained = replace(held_out, stream=0)
    assert (held_out.batch(0, 0)[0] != trained.batch(0, 0)[0]).any()
    assert np.isin(held_out.batch(0, 0)[0][:, 0, 1:3], (0, 1)).all()


def test_baselines_recover_what_they_can_express():
    random = np.random.default_rng(0)
    core = random.uniform(-1, 1, (4, 400))
    rising = np.diff(core, axis=1, prepend=core[:, :1]) >= 0
    delayed = np.pad(core, [(0, 0), (3, 0)])[:, :400]
    targets = {
        "polynomial, degree 9": 4 * core**9 - core**2 + 0.5,
        "linear filter, 8 taps": core - 0.5 * delayed + 0.25,
        "linear filter, 64 taps": 2 * delayed - 1,
        "two polynomials, degree 9": np.where(rising, core**3, 1 - core**8),
    }
    assert targets.keys() == BASELINES.keys()
    for name, target in targets.items():
        found = predict(BASELINES[name], (core, target), core, 64)
        assert decibels((found - target)[:, 64:], target[:, 64:]) < -120, name
    wrong = predict(BASELINES["polynomial, degree 9"], (core, delayed), core, 64)
    assert decibels((wrong - delayed)[:, 64:], delayed[:, 64:]) > -1


def test_waves_need_no_framework():
    code = (
        "import sys, zoo.wavenet, zoo.wavenet.batches, zoo.wavenet.baselines, zoo.__main__ as m; m.parser();"
        "sys.exit(bool({'tensorflow', 'keras', 'tf_keras', 'qkeras', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
