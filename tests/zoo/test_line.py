"""y = mx + b: five ways to one answer, which numpy gives too, and the line on both targets."""

import json

import numpy as np
import pytest
from mistakes import ends_with_code_2

import compiler
from zoo.__main__ import main
from zoo.line import compiled, descent, ensemble, experiment, gradient, layer, normal_equation, parallel
from zoo.line.points import SITUATIONS, Points, situation
from zoo.line.recipe import Recipe

WIDE, NARROW, CENTRED, SCALED = SITUATIONS


def made(name, **changes):
    points = situation(name, **{"count": 64, "noise": 0.1, "seed": 3} | changes)
    return points, descent.best_descent(points)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_normal_equation_is_least_squares(name):
    points, _ = made(name)
    wanted = np.linalg.lstsq(np.stack([points.x, np.ones(64)], axis=1), points.y)[0]
    np.testing.assert_allclose(normal_equation.solve(points), wanted, rtol=0, atol=1e-6)
    np.testing.assert_allclose(gradient.gradient(wanted, points.x, points.y), 0, atol=1e-9)


def test_the_gradient_is_that_of_the_error():
    points, _ = made(WIDE)

    def error(slope, intercept):
        return np.mean((slope * points.x + intercept - points.y) ** 2)

    slopes = gradient.gradient((0.3, 0.7), points.x, points.y)
    h = 1e-5
    assert slopes[0] == pytest.approx((error(0.3 + h, 0.7) - error(0.3 - h, 0.7)) / (2 * h), abs=1e-8)
    assert slopes[1] == pytest.approx((error(0.3, 0.7 + h) - error(0.3, 0.7 - h)) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("name", SITUATIONS)
def test_pure_functions_compiled_or_not_meet_it(name):
    points, steps = made(name)
    answer = normal_equation.solve(points)
    np.testing.assert_allclose(gradient.fit(points, steps), answer, rtol=0, atol=1e-4)
    np.testing.assert_allclose(compiled.fit(points, steps), answer, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", [WIDE, SCALED])
def test_devices_keras_and_ensemble_meet_it(name, tmp_path):
    points, steps = made(name, count=50)  # which neither 3 devices nor 8 share equally
    answer = normal_equation.solve(points)
    for devices in (1, 3, 8):
        np.testing.assert_allclose(parallel.fit(points, steps, ["CPU:0"] * devices), answer, rtol=0, atol=1e-4)
    line, history = layer.fit(points, steps, folder=tmp_path / "layer", report=lambda _: None)
    np.testing.assert_allclose(line, answer, rtol=0, atol=1e-4)
    assert len(history) == 1
    lines, _ = ensemble.fit(points, steps, members=3, seed=1, folder=tmp_path / "lines", report=lambda _: None)
    np.testing.assert_allclose(lines, [answer] * 3, rtol=0, atol=1e-4)


def test_the_steps_are_as_many_as_it_takes():
    points, steps = made(CENTRED)
    way = np.abs(gradient.path(points, steps, every=100) - normal_equation.solve(points)).max(axis=1)
    assert steps.steps < steps.plain_steps / 1000
    assert way[-1] < descent.ACCURACY < way[len(way) // 2]
    assert made(SCALED)[1].steps < 10


def test_one_x_alone_has_no_slope():
    with pytest.raises(ValueError, match="two different x"):
        descent.best_descent(Points(np.ones(5), np.arange(5.0)))


def test_the_line_is_one_multiplier_and_equals_the_integers(tmp_path):
    model = layer.device_line((2.01, -0.9965))
    x = np.random.default_rng(0).uniform(-1, 1, (60, 1)).astype(np.float32)
    wanted = 2.01 * x - 0.9965
    build = compiler.compile(model, "fpga", out=tmp_path / "fpga")
    assert build.report["multipliers"] == 1
    words = build.quantize(x)
    np.testing.assert_array_equal(build.run(words, "rtl", raw=True), build.run(words, raw=True))
    np.testing.assert_allclose(build.run(x), wanted, atol=2**-12)
    build = compiler.compile(model, "mcu", out=tmp_path / "mcu")
    np.testing.assert_allclose(build.run(x, "host"), wanted, atol=1e-6)


def test_train_evaluate_and_show(tmp_path, capsys):
    lines = []
    trained = experiment.train(out=tmp_path, recipe=Recipe(points=20, members=2), situations=[WIDE, SCALED],
                               report=lines.append)  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(experiment.FILES)
    assert any("ensemble" in line for line in lines)
    assert main(["evaluate", "line", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert text.strip() == experiment.table(trained)
    assert WIDE in text and NARROW in text and CENTRED + "\n" not in text
    before = (tmp_path / "line.png").read_bytes()
    assert main(["show", "line", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "line.png").read_bytes() == before
    (tmp_path / "lines.json").write_text(json.dumps({"lines": {"x": {}}}))
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "line", "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert "lines.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("train line --devices 65", "65 devices cannot share 64 points"),
        ("train line --points 1 --devices 1", "points must be at least 2, not 1"),
        ("train line --members 1", "members must be at least 2, not 1"),
        ("train line --noise nan", "the noise must be 0 or above, not nan"),
        ("evaluate line", "python -m zoo train line"),
    ],
)
def test_mistakes_end_with_code_2_and_say_what_is_wrong(words, complaint, capsys, tmp_path, monkeypatch):
    ends_with_code_2(words, complaint, capsys, tmp_path, monkeypatch)
