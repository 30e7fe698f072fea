"""Keras files written by hand, without Keras: a chain of layers as tf_keras saves a Sequential model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np


@dataclass(frozen=True)
class Entry:
    """A layer of a file: its class, what else its configuration says, and its weights in Keras' order."""

    class_name: str
    config: dict = field(default_factory=dict)
    weights: Sequence[np.ndarray] = ()


def dense(kernel, bias=None, **config) -> Entry:
    """A Dense layer, or a QDense where it has a quantiser."""
    kernel = np.asarray(kernel, np.float32)
    return _product("Dense", {"units": kernel.shape[-1], **config}, kernel, bias)


def conv(kernel, bias=None, *, dilation=1, **config) -> Entry:
    """A causal Conv1D, or a QConv1D where it has a quantiser; its kernel is (taps, channels, filters)."""
    kernel = np.asarray(kernel, np.float32)
    own = {"filters": kernel.shape[-1], "kernel_size": [len(kernel)], "dilation_rate": [dilation], "strides": [1]}
    return _product("Conv1D", {**own, "padding": "causal", **config}, kernel, bias)


def _product(class_name, config, kernel, bias):
    quantized = any(key.endswith("_quantizer") for key in config)
    weights = [kernel] if bias is None else [kernel, np.asarray(bias, np.float32)]
    return Entry("Q" * quantized + class_name, {"use_bias": bias is not None, **config}, weights)


def norm(gamma, beta, mean, variance) -> Entry:
    """A BatchNormalization."""
    config = {"axis": [-1], "epsilon": 1e-3, "center": True, "scale": True}
    return Entry("BatchNormalization", config, [np.asarray(a, np.float32) for a in (gamma, beta, mean, variance)])


def relu() -> Entry:
    """A relu by itself."""
    return Entry("Activation", {"activation": "relu"})


def grid(quantizer: str) -> Entry:
    """A QActivation."""
    return Entry("QActivation", {"activation": quantizer})


def write(path: Path, shape: Sequence[int | None], *layers: Entry) -> Path:
    """Writes an .h5 with an input of that shape, the batch left out; layers are called layer_1, layer_2, ..."""
    entries = [{"class_name": "InputLayer", "config": {"name": "input", "batch_input_shape": [None, *shape]}}]
    with h5py.File(path, "w") as file:
        groups, names = file.create_group("model_weights"), []
        for number, layer in enumerate(layers, start=1):
            name = f"layer_{number}"
            entries.append({"class_name": layer.class_name, "config": {"name": name, **layer.config}})
            group = groups.create_group(name)
            group.attrs["weight_names"] = [f"weight_{i}".encode() for i in range(len(layer.weights))]
            for i, array in enumerate(layer.weights):
                group[f"weight_{i}"] = array
            names.append(name.encode())
        groups.attrs["layer_names"] = names
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"name": "chain", "layers": entries}}
        )
        file.attrs["keras_version"] = b"2.15.0"
    return path
