"""Classes of old files, each lowered to what its twin of today does: CuDNNGRU and CuDNNLSTM of graphics cards first.

Keras itself turns a twin's weights into theirs, so nothing here depends on how we turn them back.
"""

import json

import h5py
import numpy as np
import pytest
import tf_keras
from models import randomize
from tf_keras.src.layers.rnn import cudnn_gru, cudnn_lstm
from tf_keras.src.saving.legacy import hdf5_format

from compiler import keras_file
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.lowering import lower
from compiler.verification import error

TWINS = {
    "CuDNNGRU": (cudnn_gru.CuDNNGRU, tf_keras.layers.GRU),
    "CuDNNLSTM": (cudnn_lstm.CuDNNLSTM, tf_keras.layers.LSTM),
}


def old_file(path, class_name, **options):
    """A model of the plain twin, and a file of it as Keras 2 wrote it on a machine with a graphics card."""
    old, twin = (kind(5, **options) for kind in TWINS[class_name])
    inputs = tf_keras.Input((9, 3))
    model = randomize(tf_keras.Model(inputs, twin(inputs)))
    old.build((None, 9, 3))
    weights = hdf5_format.preprocess_weights_for_loading(old, model.get_weights(), "2", "tensorflow")
    model.save(path, save_format="h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        entry = config["config"]["layers"][-1]
        entry |= {"class_name": class_name, "config": {**old.get_config(), "name": twin.name}}
        entry.pop("module", None)
        file.attrs["model_config"] = json.dumps(config)
        group = file["model_weights"][twin.name]
        for name, array in zip(group.attrs["weight_names"], weights, strict=True):
            del group[name]
            group[name] = array
    return model


@pytest.mark.parametrize(
    "options", [{"return_sequences": True}, {"go_backwards": True}, {"return_state": True}], ids=str
)
@pytest.mark.parametrize("class_name", sorted(TWINS))
def test_equals_the_plain_twin(class_name, options, tmp_path):
    model = old_file(tmp_path / "old.h5", class_name, **options)
    graph = lower(keras_file.read(tmp_path / "old.h5"), "net")
    x = np.random.default_rng(1).normal(0, 1, (2, 9, 3)).astype(np.float32)
    wanted = model(x)
    values = interpreter.evaluate(graph, [x])
    for output, k in zip(graph.outputs, wanted if isinstance(wanted, list) else [wanted], strict=True):
        assert error(values[output.name], np.asarray(k)) <= 1e-5


def test_weights_in_the_layout_of_the_twin_are_refused(tmp_path):
    model = old_file(tmp_path / "old.h5", "CuDNNGRU")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        group = file["model_weights"][model.layers[-1].name]
        name = group.attrs["weight_names"][-1]
        del group[name]
        group[name] = np.zeros((2, 15), np.float32)
    with pytest.raises(CompileError, match=r"'bias' has the shape \(2, 15\), not \(30,\)"):
        lower(keras_file.read(tmp_path / "old.h5"), "net")


@pytest.mark.parametrize("class_name", ["BatchNormalizationV1", "BatchNormalizationV2"])
def test_names_of_the_first_tensorflow_with_keras(class_name, tmp_path):
    model = randomize(tf_keras.Sequential([tf_keras.Input((9, 3)), tf_keras.layers.BatchNormalization()]))
    model.save(tmp_path / "old.h5", save_format="h5")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        text = json.dumps(json.loads(file.attrs["model_config"]))
        file.attrs["model_config"] = text.replace('"BatchNormalization"', f'"{class_name}"')
    x = np.random.default_rng(1).normal(0, 1, (2, 9, 3)).astype(np.float32)
    assert error(interpreter.run(lower(keras_file.read(tmp_path / "old.h5"), "net"), x), np.asarray(model(x))) <= 1e-5
