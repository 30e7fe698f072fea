"""Reading model files: what Keras wrote comes back, and what is no model is refused by name."""

import json
import subprocess
import sys
import time
import tracemalloc
import zipfile

import h5py
import model_files
import numpy as np
import pytest

import compiler
from compiler import keras_file, passes
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.lowering import lower


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_weights_and_calls_come_back(kind, files, float_model):
    spec = keras_file.read(files[f"float.{kind}"])
    assert spec.name == "wavenet_like"
    assert [layer.name for layer in spec.layers] == [layer.name for layer in float_model.layers]
    for layer, original in zip(spec.layers, float_model.layers, strict=True):
        assert layer.class_name == type(original).__name__
        for got, wanted in zip(layer.weights, original.get_weights(), strict=True):
            assert np.array_equal(got, wanted)
    assert [call.refs for call in spec.layers[2].calls] == [(keras_file.TensorRef("conv_0", 0, 0),)]
    assert spec.inputs == (keras_file.TensorRef("audio", 0, 0),)
    assert spec.outputs == (keras_file.TensorRef("out", 0, 0),)


@pytest.mark.parametrize("name", ["float", "quantized"])
def test_both_kinds_of_file_give_the_same_graph(name, files):
    graphs = [
        passes.run(lower(keras_file.read(files[f"{name}.{kind}"]), "net"), passes.simplify())
        for kind in ("h5", "keras")
    ]
    assert str(graphs[0]) == str(graphs[1])
    x = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    assert np.array_equal(interpreter.run(graphs[0], x), interpreter.run(graphs[1], x))


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_sequential_models(kind, tmp_path):
    import keras
    from models import randomize

    layers = [keras.Input((None, 2)), keras.layers.Conv1D(3, 2, padding="causal"), keras.layers.Dense(2)]
    model = randomize(keras.Sequential(layers))
    model.save(tmp_path / f"s.{kind}")
    graph = lower(keras_file.read(tmp_path / f"s.{kind}"), "s")
    x = np.random.default_rng(1).uniform(-1, 1, (20, 2))
    assert np.abs(interpreter.run(graph, x) - model.predict(x[None], verbose=0)[0]).max() < 1e-6


def test_a_bare_list_as_the_first_keras_2_wrote_it(tmp_path):
    import tf_keras

    model = tf_keras.Sequential([tf_keras.layers.Dense(2, name="d", input_shape=(3,))])
    model.save(tmp_path / "s.h5")
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"] = config["config"]["layers"][1:]
        file.attrs["model_config"] = json.dumps(config)
    x = np.random.default_rng(1).uniform(-1, 1, (5, 3))
    got = interpreter.evaluate(lower(keras_file.read(tmp_path / "s.h5"), "s"), [x])["d"]
    assert np.abs(got - model.predict(x, verbose=0)).max() < 1e-6


def test_layers_may_stand_in_any_order(files, tmp_path):
    path = tmp_path / "shuffled.h5"
    path.write_bytes(files["float.h5"].read_bytes())
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"].reverse()
        file.attrs["model_config"] = json.dumps(config)
    x = np.random.default_rng(2).uniform(-1, 1, (30, 3))
    straight, shuffled = (lower(keras_file.read(p), "n") for p in (files["float.h5"], path))
    assert np.array_equal(interpreter.run(straight, x), interpreter.run(shuffled, x))


def test_reading_imports_no_keras(files):
    script = (
        "import sys, compiler\n"
        f"compiler.compile({str(files['float.h5'])!r}, 'mcu', out=sys.argv[1])\n"
        f"compiler.compile({str(files['quantized.keras'])!r}, 'fpga', out=sys.argv[2])\n"
        "bad = {'tensorflow', 'keras', 'tf_keras', 'qkeras'} & {name.split('.')[0] for name in sys.modules}\n"
        "assert not bad, bad\n"
    )
    folders = [str(files["float.h5"].parent / out) for out in ("no_keras_mcu", "no_keras_fpga")]
    subprocess.run([sys.executable, "-W", "error", "-c", script, *folders], check=True)


def edited(files, path, edit):
    """A copy of the float model's .h5 with one edit done to it."""
    path.write_bytes(files["float.h5"].read_bytes())
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def edit_config(change):
    def edit(file):
        config = json.loads(file.attrs["model_config"])
        change(config["config"])
        file.attrs["model_config"] = json.dumps(config)

    return edit


def loop(config):
    config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "mix_0"


def soft_link(file):
    del file["model_weights/conv_0/conv_0/kernel"]
    file["model_weights/conv_0/conv_0/kernel"] = h5py.SoftLink("/model_weights/conv_1/conv_1/kernel")


def external_link(file):
    del file["model_weights/conv_0/conv_0/kernel"]
    file["model_weights/conv_0/conv_0/kernel"] = h5py.ExternalLink("other.h5", "/kernel")


def strings_for_weights(file):
    del file["model_weights/conv_0/conv_0/bias"]
    file["model_weights/conv_0/conv_0/bias"] = np.array([b"a", b"b", b"c", b"d"])


def virtual_weight(file):
    del file["model_weights/conv_0/conv_0/bias"]
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/elsewhere.h5", "x", (4,))
    file.create_virtual_dataset("model_weights/conv_0/conv_0/bias", layout)


DAMAGED = {
    "a soft link": (soft_link, "kernel"),
    "an external link": (external_link, "kernel"),
    "strings": (strings_for_weights, "no numbers"),
    "a virtual dataset": (virtual_weight, "outside the file"),
    "no configuration": (lambda file: file.attrs.__delitem__("model_config"), "without its architecture"),
    "broken JSON": (lambda file: file.attrs.__setitem__("model_config", "{"), "not JSON"),
    "no layers": (edit_config(lambda config: config.update(layers=[])), "without layers"),
    "layers of another kind": (edit_config(lambda config: config.update(layers=[3])), "an entry of 'layers' is 3"),
    "no weights": (lambda file: file.__delitem__("model_weights"), "model_weights"),
    "a circle": (edit_config(loop), "circle"),
    "a name twice": (
        edit_config(lambda config: config["layers"].append(config["layers"][1])),
        "layer 'conv_0': two layers",
    ),
    "no outputs": (edit_config(lambda config: config.update(output_layers=[])), "without inputs or outputs"),
    "a foreign input": (edit_config(lambda config: config.update(input_layers=["x", 0, 0])), "its input 'x'"),
    "a foreign output": (edit_config(lambda config: config.update(output_layers=["x", 0, 0])), "its output 'x'"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_refused(case, files, tmp_path):
    edit, message = DAMAGED[case]
    path = edited(files, tmp_path / "damaged.h5", edit)
    with pytest.raises(CompileError, match=message) as caught:
        lower(keras_file.read(path), "net")
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("kind", ["h5", "keras"])
@pytest.mark.parametrize("keep", [0, 4, 100, 0.3, 0.6, 0.95])
def test_truncated_files_are_refused(kind, keep, files, tmp_path):
    data = files[f"float.{kind}"].read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(CompileError) as caught:
        keras_file.read(path)
    assert str(path) in str(caught.value)


def test_an_encrypted_archive_is_named(files, tmp_path):
    data = bytearray(files["float.keras"].read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path = tmp_path / "locked.keras"
    path.write_bytes(data)
    with pytest.raises(CompileError, match=r"'metadata\.json' in the archive is encrypted"):
        keras_file.read(path)


def test_files_that_are_no_models(tmp_path):
    (tmp_path / "text.h5").write_text("not a model")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    for name, message in (
        ("text.h5", "no Keras model"),
        ("other.keras", "config.json"),
        ("missing.h5", "no such file"),
        (".", "folder"),
    ):
        with pytest.raises(CompileError, match=message):
            keras_file.read(tmp_path / name)


def test_weights_alone_are_no_model(float_model, tmp_path):
    float_model.save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(CompileError, match="without its architecture"):
        keras_file.read(tmp_path / "only.weights.h5")


def test_five_wide_layers_are_read_quickly_and_within_a_few_times_their_size(tmp_path):
    import keras

    layers = [keras.layers.Dense(500) for _ in range(5)]
    keras.Sequential([keras.Input((None, 500)), *layers]).save(tmp_path / "wide.h5")
    begin = time.process_time()
    lower(keras_file.read(tmp_path / "wide.h5"), "wide")
    seconds = time.process_time() - begin
    tracemalloc.start()
    lower(keras_file.read(tmp_path / "wide.h5"), "wide")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 0.3
    assert peak < 3.5 * 5 * 500 * 501 * 4  # float32 as read, and float64 in the graph


def test_long_integers_are_numbers(tmp_path):
    """QKeras bounds the kernel of a quantized_po2(8) by 2^63."""
    clip = {"class_name": "Clip", "config": {"min_value": -(2**63), "max_value": 2**63}}
    product = model_files.dense([[0.5]], [0.25], kernel_constraint=clip)
    model = model_files.write(tmp_path / "net.h5", (None, 1), product)
    assert compiler.compile(model, "mcu", out=tmp_path / "build").run(np.ones((1, 1)))[0, 0] == 0.75
    for key in ("filters", "kernel_size", "dilation_rate", "strides"):
        layer = model_files.conv(np.ones((2, 1, 1)), **{key: 2**63})
        with pytest.raises(CompileError, match=key):
            compiler.compile(model_files.write(tmp_path / "odd.h5", (None, 1), layer), "mcu", out=tmp_path / "odd")
