"""The Kalman filters: against float64, against what theory says of innovations, and from the command line."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from mistakes import ends_with_code_2

from zoo.__main__ import main
from zoo.kalman import baselines, experiment, reference
from zoo.kalman.cell import KalmanCell
from zoo.kalman.evaluation import errors
from zoo.kalman.model import PADDING, build, build_gru
from zoo.kalman.published import PublishedCell
from zoo.kalman.recipe import Recipe
from zoo.kalman.throws import grid_of_throws, held_out, least_error, observe, random_throws
from zoo.testing import run_model_test

RANDOM = np.random.default_rng(0)

OPTIONS = [
    {},
    {"missing": "feed_back"},
    {"acceleration": True, "learn_start": True},
    {"parameters": "matrix", "acceleration": True, "learn_start": True},
]


def disturbed(cell):
    """A cell whose weights are all a little off where they begin, so that none of them stands for nothing."""
    cell.build((None, 3))
    for variable in cell.variables:
        variable.assign(variable + 0.1 * RANDOM.standard_normal(variable.shape).astype(np.float32))
    return cell


def walk(cell, inputs):
    """Expectations, covariances of the innovations and of the state, of a cell that is led step by step."""

    @tf.function
    def step(mean, covariance, seen):
        mean, covariance = cell.expect(mean, covariance)
        expected, around = mean[:, :2], covariance[:, :2, :2] + cell.matrices()[2]
        return (*cell.correct(mean, covariance, seen), expected, around)

    mean, covariance = cell.get_initial_state(len(inputs))
    covariance = ops.reshape(covariance, (-1, 4, 4))
    found = []
    for index in range(inputs.shape[1]):
        mean, covariance, expected, around = step(mean, covariance, tf.constant(inputs[:, index]))
        found.append([ops.convert_to_numpy(one) for one in (expected, around, covariance)])
    return [np.stack(one, axis=1) for one in zip(*found, strict=True)]


def circling(count, steps):
    """Observations of something that goes round, with gaps: (count, steps, 3)."""
    turn = 0.2 * np.arange(steps) + RANDOM.uniform(0, 6, (count, 1))
    return observe(np.stack([np.cos(turn), np.sin(turn)], axis=-1), 0.2, seed=1)


def test_the_published_filter_never_hears_of_the_noise_of_y():
    inputs = observe(random_throws(20, 0), 0.1, 0)
    gradients = {}
    for cell in (PublishedCell(), KalmanCell()):
        model = build(cell)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(inputs) - random_throws(20, 0).astype(np.float32)))
        found = tape.gradient(loss, cell.trainable_variables)
        gradients |= {v.name: tf.convert_to_tensor(g).numpy() for v, g in zip(cell.variables, found, strict=True)}
    assert gradients["log_y_noise"] == 0.0
    assert gradients["log_x_noise"] != 0.0
    assert np.all(gradients["log_measurement_noise"] != 0.0)


@pytest.mark.parametrize("options", OPTIONS)
def test_the_cell_equals_a_filter_in_float64(options):
    cell, inputs = disturbed(KalmanCell(**options)), circling(3, 200)
    walked = walk(cell, inputs)
    for found, wanted in zip(walked, reference.run(reference.numbers_of(cell), inputs), strict=True):
        assert np.max(np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))) < 1e-5
    covariance = walked[2]
    np.testing.assert_array_equal(covariance, covariance.swapaxes(-1, -2))
    assert np.linalg.eigvalsh(covariance.astype(np.float64)).min() > 0.0
    if options == OPTIONS[-1]:
        np.testing.assert_allclose(build(cell).predict(inputs, verbose=0), walked[0], atol=1e-5)


def test_the_published_cell_equals_its_filter_in_float64():
    cell, inputs = disturbed(PublishedCell()), circling(3, 200)
    wanted = reference.predict(reference.numbers_of(cell), inputs)
    np.testing.assert_allclose(build(cell).predict(inputs, verbose=0), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS[2:])
def test_innovations_are_white_and_of_unit_variance(options):
    cell = disturbed(KalmanCell(**options))
    numbers = reference.numbers_of(cell)
    if "parameters" in options:  # at a stable motion, or float32 is left behind
        cell.transition.assign(0.9 * np.eye(4) + 0.3 * np.eye(4, k=2))
        numbers = reference.numbers_of(cell)
    count, steps = 200, 100

    def noise(covariance):
        root = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance)))
        return RANDOM.standard_normal((count, len(covariance))) @ root.T

    state, seen = numbers.start_mean + noise(numbers.start_covariance), []
    for _ in range(steps):
        state = state @ numbers.transition.T + numbers.push + noise(numbers.process)
        seen.append(state[:, :2] + noise(numbers.measurement))
    measured = np.stack(seen, axis=1)
    expected, around, _ = walk(cell, observe(measured, 0.0, 0))
    off = np.linalg.solve(np.linalg.cholesky(around.astype(np.float64)), (measured - expected)[..., None])[..., 0]
    covariance = np.einsum("nti,ntj->ij", off, off) / off[..., 0].size
    np.testing.assert_allclose(covariance, np.eye(2), atol=0.04)  # five deviations: 20,000 of them
    for lag in (1, 2, 5):
        later = np.einsum("nti,ntj->ij", off[:, lag:], off[:, :-lag]) / off[:, lag:, 0].size
        np.testing.assert_allclose(later, 0.0, atol=0.04)


def test_what_is_missing_is_passed_over_or_taken_for_seen():
    inputs = circling(1, 30)
    inputs[:, 10:] = 0.0
    spread = {}
    for missing in ("skip", "feed_back"):
        covariance = walk(disturbed(KalmanCell(missing=missing)), inputs)[2]
        spread[missing] = np.trace(covariance[0, -1]) / np.trace(covariance[0, 9])
    assert spread["skip"] > 100 and spread["feed_back"] == pytest.approx(1.0, abs=0.01)


def test_shorter_sequences_are_padded():
    model, inputs = build(disturbed(KalmanCell())), circling(2, 12)
    padded = np.concatenate([inputs, np.full((2, 5, 3), PADDING, np.float32)], axis=1)
    np.testing.assert_allclose(model.predict(padded, verbose=0)[:, :12], model.predict(inputs, verbose=0), atol=1e-6)
    model.compile(loss="mse")
    targets = RANDOM.standard_normal((2, 17, 2)).astype(np.float32)
    whole, cut = (model.evaluate(x, targets[:, : x.shape[1]], verbose=0) for x in (padded, inputs))
    assert whole == pytest.approx(cut, rel=1e-5)


def test_a_model_survives_what_all_models_must():
    positions = random_throws(6, 0).astype(np.float32)
    run_model_test(
        lambda: build(KalmanCell(**OPTIONS[-1])),
        observe(positions, 0.2, 0),
        positions,
        compile_arguments={"optimizer": "adam", "loss": "mse"},
        functional=True,
        tolerance=1e-5,
    )


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_no_predictor_is_below_the_least_error_and_one_that_knows_all_meets_it(rate):
    grid = grid_of_throws()

    def knowing(inputs):
        """The mean throw until something has been seen, the truth after it."""
        known = np.cumsum(inputs[..., 2], axis=1) - inputs[..., 2] > 0
        return np.where(known[..., None], grid, grid.mean(axis=0))

    assert errors(knowing, rate, masks=10).mean() == pytest.approx(least_error(rate, grid), rel=0.05)
    assert least_error(0.1, grid) == pytest.approx(0.271, abs=5e-4)


def test_a_parabola_through_three_points_is_a_throw():
    throws = random_throws(5, 0)
    seen = observe(throws, 0.0, 0)
    np.testing.assert_allclose(baselines.predict(baselines.parabola, seen)[:, 2:], throws[:, 2:], atol=1e-4)
    straight = baselines.predict(baselines.last_two, seen)
    np.testing.assert_allclose(straight[:, 1:, 0], throws[:, 1:, 0], atol=1e-4)
    np.testing.assert_allclose(straight[:, 1:, 1] - throws[:, 1:, 1], 1.0, atol=1e-4)  # gravity


def test_the_gru_answers_before_it_sees():
    model, inputs = build_gru(4, 0), circling(2, 8)
    before = model.predict(inputs, verbose=0)
    inputs[:, 5] += 1.0
    after = model.predict(inputs, verbose=0)
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert np.abs(before[:, 6] - after[:, 6]).max() > 1e-4


@pytest.mark.parametrize("rate", [-0.1, 1.1, np.nan])
def test_a_rate_is_from_0_to_1(rate):
    with pytest.raises(ValueError, match="missing rate must be from 0 to 1"):
        observe(random_throws(2, 0), rate, 0)


def test_observations_are_numbers():
    throws = random_throws(2, 0)
    throws[1, 3, 0] = np.nan
    with pytest.raises(ValueError, match="hold NaN or infinity"):
        observe(throws, 0.1, 0)


def test_masks_to_measure_with_are_none_to_train_with():
    throws = random_throws(50, 0)
    assert not np.array_equal(observe(throws, 0.5, 0), observe(throws, 0.5, held_out(0)))
    np.testing.assert_array_equal(observe(throws, 0.5, held_out(1)), observe(throws, 0.5, held_out(1)))


def test_train_evaluate_and_show(tmp_path, capsys):
    lines = []
    recipe = Recipe(epochs=1, batch_size=10, throws=20, seeds=1, units=2, steps=2)
    models = experiment.train(out=tmp_path, recipe=recipe, report=lines.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(
            "about.json",
            "history.csv",
            "kalman.keras",
            "kalman.png",
            "seed0",
            "settled.keras",
            "steps.json",
            "taps.keras",
        )
    ]
    assert sum("epoch 1/1" in line for line in lines) == len(models) == 5
    loaded = keras.saving.load_model(tmp_path / "kalman.keras")
    inputs = circling(2, 10)
    np.testing.assert_allclose(
        loaded.predict(inputs, verbose=0), models["ours"][0].predict(inputs, verbose=0), atol=1e-6
    )
    assert main(["evaluate", "kalman", "--out", str(tmp_path), "--masks", "1"]) == 0
    text = capsys.readouterr().out
    assert experiment.summary(models) in text
    assert all(word in text for word in ("0.271", "least-squares parabola", "y noise", "GRU", "plain gradient", "taps"))
    before = (tmp_path / "kalman.png").read_bytes()
    assert main(["show", "kalman", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "kalman.png").read_bytes() == before
    (tmp_path / "about.json").write_text("{}")
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "kalman", "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert "about.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("train kalman --missing-rate 1.5", "the missing rate must be from 0 to 1, not 1.5"),
        ("train kalman --missing-rate nan", "the missing rate must be from 0 to 1, not nan"),
        ("train kalman --batch-size 300", "a batch of 300 is larger than the set of 250 throws"),
        ("train kalman --seeds 0", "'0' is not a whole number from 1"),
        ("evaluate kalman", "python -m zoo train kalman"),
    ],
)
def test_mistakes_end_with_code_2_and_say_what_is_wrong(words, complaint, capsys, tmp_path, monkeypatch):
    ends_with_code_2(words, complaint, capsys, tmp_path, monkeypatch)
