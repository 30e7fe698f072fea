"""Classes, confidences and flags: networks that end in a decision, in Keras and in C."""

import re
import zipfile
from importlib import import_module

import numpy as np
import pytest
from models import randomize

import compiler
from compiler import keras_file, samples
from compiler.lowering import lower


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


def decide(k, logits):
    """Class, confidence, and a flag where the log-sum-exp of the logits is small."""
    energy = k.ops.logsumexp(logits, axis=-1, keepdims=True)
    return {
        "class": k.ops.argmax(logits, axis=-1),
        "confidence": k.ops.max(k.ops.softmax(logits), axis=-1),
        "flag": k.ops.less(energy, 2.0),
    }


def test_an_image_network_decides_in_c_as_in_keras(keras, tmp_path):
    i = keras.Input((6, 6, 2), name="image")
    x = keras.layers.Conv2D(4, 3, activation="relu")(i)
    x = keras.layers.GlobalAveragePooling2D()(x)
    # Behind the relu half of the logits are zeros: classes tie, and the first has to win.
    model = randomize(keras.Model(i, decide(keras, keras.layers.Dense(5, activation="relu")(x))))
    model.save(tmp_path / "decide.keras")
    build = compiler.compile(tmp_path / "decide.keras", target="mcu", out=tmp_path / "build")
    x = np.random.default_rng(0).normal(size=(1000, 6, 6, 2)).astype(np.float32) * 2
    wanted = model.predict(x, verbose=0)
    places, flag = wanted["class"], wanted["flag"]
    assert len(set(places.tolist())) >= 3 and 50 < flag.sum() < 950, "the decisions are too much alike to test anything"
    for place in ("host", "emulator"):
        some = 1000 if place == "host" else 50
        got = build.run(x[:some], on=place)
        assert list(got) == build.report["outputs"] == ["class", "confidence", "flag"]
        assert np.array_equal(got["class"], places[:some])
        assert np.abs(got["confidence"] - wanted["confidence"][:some]).max() <= 1e-5
        assert np.array_equal(got["flag"], flag[:some])
    assert port_names(build) == ["class", "confidence", "flag"]


def port_names(build):
    """What the C interface calls the outputs."""
    return re.findall(r'OUT\(\d, "(.*?)"', (build.folder / f"{build.name}.h").read_text())


def keyed(k):
    """Outputs under keys that no layer has and no file should: in a dict, in one within it, out of a model within."""
    i = k.Input((3,), name="in")
    y = k.layers.Dense(2, name="d")(i)
    inner = k.Model(i, {"z": y, "a": k.layers.Dense(4, name="e")(y)}, name="inner")
    i = k.Input((3,), name="in_2")
    y = inner(i)
    parts = {"b/c": y["a"], "../../x": y["z"], "file": y["z"], "x": k.layers.ReLU(name="r")(y["z"])}
    return randomize_all(k.Model(i, parts, name="keyed"))


def randomize_all(model):
    model.set_weights([np.random.default_rng(3).normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_keys_name_the_outputs_everywhere(library, tmp_path):
    model = keyed(import_module(library))
    specs = [keras_file.from_model(model)]
    for kind in ("h5", "keras"):
        model.save(tmp_path / f"keyed.{kind}")
        specs.append(keras_file.read(tmp_path / f"keyed.{kind}"))
    graphs = [lower(spec, "net") for spec in specs]
    assert len(set(map(str, graphs))) == len({graph.output_keys for graph in graphs}) == 1
    build = compiler.compile(tmp_path / "keyed.h5", target="mcu", out=tmp_path / "build")
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    wanted = model.predict(x, verbose=0)
    for place in ("reference", "host"):
        got = build.run(x, on=place)
        assert list(got) == build.report["outputs"] == sorted(wanted)
        for key, y in wanted.items():
            assert np.abs(got[key] - y).max() < 1e-5, key
    assert port_names(build) == ["x", "b_c", "file", "x_2"]
    samples.save(tmp_path / "y.npz", got, 48_000)
    with zipfile.ZipFile(tmp_path / "y.npz") as archive:
        assert archive.namelist() == ["x_2.npy", "b/c.npy", "file.npy", "x.npy"]
    with np.load(tmp_path / "y.npz", allow_pickle=False) as archive:
        assert np.array_equal(archive["b/c"], got["b/c"]) and np.array_equal(archive["x_2"], got["../../x"])


def test_lists_go_by_layer_and_one_value_may_be_two_outputs(keras, tmp_path):
    i = keras.Input((3,), name="in")
    y = keras.layers.ReLU(name="r")(i)
    listed = compiler.compile(keras.Model(i, [y, i, y]), target="mcu", out=tmp_path / "list").run(np.ones((2, 3)))
    assert list(listed) == ["r", "in", "r_2"]
    one = compiler.compile(keras.Model(i, {"only": y}), target="mcu", out=tmp_path / "one")
    assert one.run(np.ones((2, 3))).shape == (2, 3)


def test_a_stream_has_keys_too(keras, tmp_path):
    i = keras.Input((None, 2), name="audio")
    x = keras.layers.Conv1D(6, 3, padding="causal", activation="relu")(i)
    parts = {"place": keras.ops.argmax(x, axis=-1), "greatest": keras.ops.max(x, axis=-1)}
    build = compiler.compile(randomize(keras.Model(i, parts)), target="mcu", out=tmp_path / "build")
    assert build.streams
    assert list(build.run(np.ones((30, 2)), on="host")) == ["greatest", "place"]


def test_a_stream_decides_sample_by_sample(keras, tmp_path):
    i = keras.Input((None, 2), name="audio")
    x = keras.layers.Conv1D(6, 3, padding="causal", activation="relu")(i)
    x = keras.layers.Conv1D(4, 2, padding="causal", activation="relu")(x)
    place = keras.ops.argmin(x, axis=-1, keepdims=True)
    model = randomize(keras.Model(i, [place, keras.ops.equal(x, 0), keras.ops.not_equal(place, 1)]))
    build = compiler.compile(model, target="mcu", out=tmp_path / "build")
    assert build.streams
    x = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32)
    wanted = [part[0] for part in model.predict(x[None], verbose=0)]
    assert 0.1 < wanted[1].mean() < 0.9
    for got, keras_says in zip(build.run(x, on="host").values(), wanted, strict=True):
        assert np.array_equal(got, keras_says)


def test_infinite_and_equal_values_have_a_first_extreme(keras, tmp_path):
    i = keras.Input((4,), name="values")
    model = keras.Model(i, [keras.ops.argmax(i, axis=-1), keras.ops.argmin(i, axis=-1)])
    build = compiler.compile(model, target="mcu", out=tmp_path / "build")
    tiny = np.finfo(np.float32).smallest_subnormal
    x = np.array(
        [
            [1, 1, 1, 1],
            [np.inf, 2, np.inf, -np.inf],
            [-np.inf, -np.inf, 0, 0],
            [0, tiny, 2 * tiny, 2 * tiny],  # differences below the smallest normal number count too
            [-1e38, 3e38, -3e38, 3e38],
        ],
        np.float32,
    )
    got = build.run(x, on="host")
    for mine, numpy_says in zip(got.values(), (x.argmax(-1), x.argmin(-1)), strict=True):
        assert mine.tolist() == numpy_says.tolist()


def test_whatever_is_not_zero_is_true(keras, tmp_path):
    ops, i = keras.ops, keras.Input((4,), name="values")
    outputs = [
        ops.where(i, i + 2, 7.0),
        ops.logical_not(i),
        ops.logical_and(i, 0.5 - i),
        ops.logical_or(i, i > 1),
        ops.where(ops.logical_not(ops.logical_or(i > 0.5, i)), 1.0, i),
    ]
    model = keras.Model(i, outputs)
    build = compiler.compile(model, target="mcu", out=tmp_path / "build")
    x = np.array([[-2, -0.5, 0, 0.5], [2, -0.0, 1e-30, -1e30], [0, 0, 1, np.inf]], np.float32)
    for got, keras_says in zip(build.run(x, on="host").values(), model.predict(x, verbose=0), strict=True):
        assert np.array_equal(got, keras_says)


def test_a_product_of_conditions_is_refused(keras, tmp_path):
    i = keras.Input((3, 3), name="values")
    with pytest.raises(compiler.CompileError, match="conditions alone"):
        compiler.compile(keras.Model(i, keras.ops.matmul(i > 0, i > 1)), target="mcu", out=tmp_path / "build")
