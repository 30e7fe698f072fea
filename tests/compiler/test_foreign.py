"""Files of other kinds are named, with what to give instead."""

import io
import json
import pickle
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from compiler import keras_file
from compiler.errors import CompileError


def zipped(**members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, contents in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), contents)
    return packed.getvalue()


def hdf5(make):
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        make(file)
    return held.getvalue()


def weights_of_keras_2(file):
    file.attrs["layer_names"] = [b"dense"]
    file.attrs["backend"] = b"tensorflow"
    file.create_group("dense")


def weights_of_keras_3(file):
    file.create_group("layers/dense/vars")["0"] = np.zeros(3)


def gzipped():
    import gzip

    return gzip.compress(b"model")


NAM = {"version": "0.5.2", "architecture": "WaveNet", "config": {"layers": []}, "weights": [0.5, 1.0]}
RTNEURAL = {"in_shape": [None, None, 1], "layers": [{"type": "lstm", "activation": "", "weights": []}]}
PROTEUS = {"model_data": {"unit_type": "LSTM", "hidden_size": 20}, "state_dict": {"lin.bias": [0.1]}}
SMART_AMP = {"activation": "gated", "dilations": [1, 2], "residual_channels": 16, "variables": []}

# name: (file name, contents, words of the message)
FILES = {
    "RTNeural": ("amp.json", json.dumps(RTNEURAL), ["RTNeural", "made from"]),
    "NAM": ("amp.nam", json.dumps(NAM), ["Neural Amp Modeler (WaveNet)", "copy the weights"]),
    "NAM, cut": ("amp.nam", "binary", ["Neural Amp Modeler"]),
    "GuitarML": ("proteus.json", json.dumps(PROTEUS), ["GuitarML (Proteus"]),
    "SmartAmp": ("pedal.json", json.dumps(SMART_AMP), ["GuitarML's SmartAmp"]),
    "TensorFlow.js": ("model.json", json.dumps({"format": "layers-model", "modelTopology": {}}), ["TensorFlow.js"]),
    "Hugging Face": ("config.json", json.dumps({"architectures": ["Bert"]}), ["Hugging Face"]),
    "other JSON": ("package.json", '{"name": "x"}', ["no 'class_name'", "model.to_json()"]),
    "a list": ("list.json", "[1, 2]", ["a list of JSON"]),
    "TensorFlow Lite": ("model.tflite", b"\x1c\0\0\0TFL3\0\0", ["TensorFlow Lite", "made from"]),
    "ONNX": ("model.onnx", b"\x08\x08\x12\x07pytorch\x1a\x052.1.0", ["ONNX"]),
    "ONNX by another name": ("model.h5", b"\x08\x08\x12\x07pytorch\x1a\x052.1.0", ["ONNX"]),
    "a frozen graph": ("graph.pb", b"\x0a\x0d\x0a\x01x\x12", ["graph of TensorFlow", "model.save("]),
    "PyTorch": ("model.pt", zipped(archive__data_dot_pkl="x", archive__version="3"), ["PyTorch"]),
    "PyTorch of old": ("model.pth", pickle.dumps({"a": 1}), ["pickle", "never opened"]),
    "safetensors": ("model.safetensors", (16).to_bytes(8, "little") + b'{"a":{}}' + b" " * 16, ["safetensors"]),
    "weights of Keras 2": ("w.h5", hdf5(weights_of_keras_2), ["weights", "without its architecture", "--weights"]),
    "weights of Keras 3": ("w.weights.h5", hdf5(weights_of_keras_3), ["without its architecture", "--weights"]),
    "other HDF5": ("d.h5", hdf5(lambda file: file.create_group("train")), ["it holds 'train'", "model_config"]),
    "an office document": ("thesis.keras", zipped(word__document_dot_xml="x"), ["zip archive of something else"]),
    "a model in a zip": ("models.zip", zipped(best_dot_keras="x"), ["holds 'best.keras'", "Unpack"]),
    "a zipped SavedModel": ("m.zip", zipped(m__saved_model_dot_pb="x"), ["SavedModel"]),
    "arrays": ("x.npz", zipped(x_dot_npy="x"), ["archive of NumPy arrays"]),
    "a cut archive": ("cut.keras", zipped(config_dot_json="x" * 100)[:60], ["damaged or cut short"]),
    "an empty file": ("empty.keras", b"", ["The file is empty", "Fetch the file again"]),
    "zeros": ("zeros.h5", bytes(4096), ["nothing but zeros"]),
    "a Git LFS pointer": (
        "big.h5",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n",
        ["Git LFS pointer", "git lfs pull"],
    ),
    "a web page": ("model.h5", "\n<!DOCTYPE html>\n<html><head>", ["a web page", "Download"]),
    "gzip": ("model.h5.gz", gzipped(), ["gzip", "Unpack"]),
    "samples": ("x.wav", b"RIFF$\0\0\0WAVEfmt ", ["a recording", "`run`"]),
    "text": ("notes.h5", "hello", ["no Keras model", "model.save()"]),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_of_another_kind_is_named(case, tmp_path):
    name, contents, words = FILES[case]
    path = tmp_path / name
    path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    with pytest.raises(CompileError) as caught:
        keras_file.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert [word for word in words if word not in message] == [], message
    assert caught.value.hint or "device" in message
    assert caught.value.what.endswith(".")


FOLDERS = {
    "a SavedModel": (["saved_model.pb", "variables/variables.index"], ["SavedModel", "model.save("]),
    "a checkpoint": (["checkpoint", "ckpt-1.index"], ["checkpoint"]),
    "a build": (["report.json", "graph.json", "net.c"], ["finished build", "compiler.run"]),
    "an unpacked model": (["config.json", "metadata.json", "model.weights.h5"], ["unpacked .keras"]),
    "a folder with models": (["notes.txt", "best.keras"], ["folder", "It holds 'best.keras'"]),
    "a folder": (["notes.txt"], ["folder", "model.save()"]),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_of_another_kind_is_named(case, tmp_path):
    files, words = FOLDERS[case]
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("x")
    with pytest.raises(CompileError) as caught:
        keras_file.read(tmp_path)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_devices_and_absent_files_are_refused(tmp_path):
    for path, word in (("/dev/zero", "device"), (tmp_path / "no.h5", "no such file"), ("a\0b", "cannot be read")):
        with pytest.raises(CompileError, match=word):
            keras_file.read(path)


def test_the_command_says_so_and_exits_with_2(tmp_path):
    path = tmp_path / "amp.nam"
    path.write_text(json.dumps(NAM))
    command = [sys.executable, "-m", "compiler", str(path), "--target", "mcu", "--out", str(tmp_path / "out")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "Neural Amp Modeler" in result.stderr
    assert not (tmp_path / "out").exists()
