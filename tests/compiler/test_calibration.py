"""Formats from what values come to in data, held against data that they were not taken from."""

import json

import numpy as np
import pytest
from models import randomize

import compiler
from compiler.errors import CompileError

STEPS = 3000


def tones(steps=STEPS, loud=0.5):
    """A voice that is louder in its middle than at its ends, as any recording is."""
    t = np.arange(steps)
    return (loud * np.sin(0.05 * t) * np.sin(np.pi * t / steps))[:, None]


def gated(keras):
    """Residual and gated, whose worst cases grow from layer to layer."""
    layers = keras.layers
    keras.utils.set_random_seed(2)
    inputs = keras.Input((None, 1), name="audio")
    x = layers.Conv1D(6, 1)(inputs)
    for dilation in (1, 2, 4):
        y = layers.Conv1D(6, 3, dilation_rate=dilation, padding="causal")(x)
        y = layers.Multiply()([layers.Activation("tanh")(y), layers.Dense(6, activation="sigmoid")(y)])
        x = layers.Add()([x, layers.Dense(6)(y)])
    return keras.Model(inputs, layers.Dense(1, name="out")(layers.LeakyReLU(negative_slope=0.1)(x)))


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


@pytest.fixture(scope="module")
def builds(keras, tmp_path_factory):
    folder, model = tmp_path_factory.mktemp("calibrated"), gated(keras)
    folder.joinpath("x").mkdir()
    np.save(folder / "x" / "tones.npy", tones())
    both = {"numbers": "fixed", "name": "net"}
    path = folder / "x" / "tones.npy"
    return {
        "proven": compiler.compile(model, "mcu", out=folder / "a", **both),
        "calibrated": compiler.compile(model, "mcu", out=folder / "b", calibrate=path, **both),
        "looked at": compiler.compile(model, "mcu", out=folder / "c", calibrate=path, headroom="proven", **both),
        "arrays": compiler.compile(model, "mcu", out=folder / "d", calibrate=tones(), **both),
    }


def test_what_is_observed_needs_fewer_bits(builds):
    assert builds["calibrated"].report["snr_db"] > builds["looked at"].report["snr_db"] + 6
    assert builds["calibrated"].report["peak_error"] < builds["looked at"].report["peak_error"]
    calibration = builds["calibrated"].report["calibration"]
    assert (calibration["samples"], calibration["held_out"]) == (2400, 600)
    assert builds["proven"].report["calibration"] is None
    # Looking changes no format.
    assert str(builds["looked at"].graph) == str(builds["proven"].graph)


def test_files_and_arrays_are_the_same(builds):
    one, other = (builds[name] for name in ("calibrated", "arrays"))
    assert {path.name: path.read_bytes() for path in one.folder.iterdir()} == {
        path.name: path.read_bytes() for path in other.folder.iterdir()
    }
    assert b"tones" not in b"".join(path.read_bytes() for path in one.folder.iterdir())


def test_beyond_what_was_seen_it_saturates_and_never_wraps(builds):
    build = builds["calibrated"]
    loud = tones(loud=8.0)
    for on in ("host", "emulator"):
        assert np.array_equal(build.run(loud, on), build.run(loud)), on
    # Tables hold for all that their format does: with a wrong value in them the output would jump about.
    exact = builds["proven"].run(np.clip(loud, -1, 1))
    assert np.abs(build.run(loud)).max() <= 4 * np.abs(exact).max()


def test_saturations_are_counted_on_the_part_that_is_held_out(keras, tmp_path):
    x = tones()
    x[-300:] = 4 * np.sin(0.05 * np.arange(300))[:, None]  # which no range is taken from
    build = compiler.compile(gated(keras), "mcu", out=tmp_path / "b", numbers="fixed", calibrate=x)
    found = build.report["calibration"]["saturations"]
    assert found and all(0 < one["share"] <= 1 for one in found)
    from compiler.manifest import warnings

    assert any("saturates in the data held out" in line for line in warnings(build.report))


def test_a_batch_of_streams_and_several_inputs(keras, tmp_path):
    layers = keras.layers
    a, b = keras.Input((None, 1), name="a"), keras.Input((2,), name="b")
    gate = layers.Reshape((1, 3))(layers.Dense(3, activation="sigmoid")(b))
    model = randomize(keras.Model([a, b], layers.Multiply()([layers.Dense(3)(a), gate])))
    data = {"a": np.stack([tones(200, loud) for loud in (0.1, 0.2, 0.3, 0.4, 0.1)]), "b": np.ones((5, 2))}
    np.savez(tmp_path / "x.npz", **data)
    build = compiler.compile(model, "mcu", out=tmp_path / "b", numbers="fixed", calibrate=tmp_path / "x.npz")
    calibration = build.report["calibration"]
    assert (calibration["samples"], calibration["held_out"]) == (800, 200)
    formats = [value.format for value in build.graph.inputs]
    assert [format.fraction for format in formats] == [16, 15]  # .4 at most, and 1


def noisy(value):
    x = tones()
    x[7] = value
    return x


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (noisy(np.nan), "holds NaN or infinity"),
        (noisy(np.inf), "holds NaN or infinity"),
        (np.zeros((STEPS, 1)), "is silent"),
        (np.zeros((0, 1)), "0 samples say too little"),
        (tones(9), "9 samples say too little"),
        (np.ones((STEPS, 2)), "does not fit input 'audio'"),
        (np.array([["loud"]] * 20), "does not fit input 'audio'"),
        ("there_is_none.npy", "there_is_none.npy"),
    ],
)
def test_data_that_are_none(data, message, keras, tmp_path):
    with pytest.raises(CompileError, match=message) as caught:
        compiler.compile(gated(keras), "mcu", out=tmp_path / "b", numbers="fixed", calibrate=data)
    assert "--calibrate" in str(caught.value) and not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"calibrate": tones()}, "--calibrate does nothing in floating point"),
        ({"headroom": "proven"}, "--headroom does nothing in floating point"),
        ({"numbers": "fixed", "headroom": "calibrated"}, "--headroom calibrated needs data"),
        ({"numbers": "fixed", "headroom": "some"}, "there is no --headroom some"),
    ],
)
def test_options_that_do_not_go_together(options, message, keras, tmp_path):
    with pytest.raises(CompileError, match=message):
        compiler.compile(gated(keras), "mcu", out=tmp_path / "b", **options)


def test_quantisers_of_the_file_are_not_calibrated(quantized_model, tmp_path):
    with pytest.raises(CompileError, match="--calibrate does nothing here"):
        compiler.compile(quantized_model, "fpga", out=tmp_path / "b", calibrate=np.ones((100, 4)))


def test_worst_cases_that_explode_name_the_way_out(keras, tmp_path):
    layers = keras.layers
    x = inputs = keras.Input((None, 8), name="audio")
    for n in range(7):  # (8 + 1) x - 8 x, which is x: the worst case of a difference does not know that
        x = layers.Subtract()([layers.Dense(8, name=f"nine_{n}")(x), layers.Dense(8, name=f"eight_{n}")(x)])
    model = keras.Model(inputs, x)
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            layer.set_weights([np.full((8, 8), 8.0) + np.eye(8) * layer.name.startswith("nine"), np.zeros(8)])
    with pytest.raises(CompileError, match=r"may come to .* in the worst case") as caught:
        compiler.compile(model, "mcu", out=tmp_path / "b", numbers="fixed")
    assert "--calibrate" in caught.value.hint and caught.value.layer


def test_the_report_survives_and_is_checked(builds):
    report = json.loads((builds["calibrated"].folder / "report.json").read_text())
    assert len(report["calibration"]["sha256"]) == 64
    build = compiler.Build.open(builds["calibrated"].folder)
    assert build.report["calibration"] == report["calibration"]
