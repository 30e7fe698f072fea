"""Keras files written by hand, without Keras: layers as tf_keras saves a Sequential or a Functional model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np


@dataclass(frozen=True)
class Entry:
    """A layer of a file: its class, what else its configuration says, and its weights in Keras' order.

    Args:
        reads: The numbers of the layers it reads, 0 for the input; None for the one before, as in a chain.
    """

    class_name: str
    config: dict = field(default_factory=dict)
    weights: Sequence[np.ndarray] = ()
    reads: tuple[int, ...] | None = None


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
    """Writes an .h5 with an input of that shape, the batch left out; layers are called layer_1, layer_2, ...

    The model is a chain, unless a layer says what it reads; the last layer is the output. A configuration may give
    a layer another name.
    """
    entries = [{"class_name": "InputLayer", "config": {"name": "input", "batch_input_shape": [None, *shape]}}]
    with h5py.File(path, "w") as file:
        groups, names = file.create_group("model_weights"), []
        for number, layer in enumerate(layers, start=1):
            name = layer.config.get("name", f"layer_{number}")
            entries.append({"class_name": layer.class_name, "config": {"name": name, **layer.config}})
            group = groups.create_group(name)
            group.attrs["weight_names"] = [f"weight_{i}".encode() for i in range(len(layer.weights))]
            for i, array in enumerate(layer.weights):
                group[f"weight_{i}"] = array
            names.append(name.encode())
        groups.attrs["layer_names"] = names
        config = {"class_name": "Sequential", "config": {"name": "chain", "layers": entries}}
        if any(layer.reads is not None for layer in layers):
            config = {"class_name": "Functional", "config": _functional(entries, layers)}
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = b"2.15.0"
    return path


def _functional(entries: list[dict], layers: Sequence[Entry]) -> dict:
    """The configuration of a Functional model, from the entries of its input and its layers."""
    names = [entry["config"]["name"] for entry in entries]
    nodes = []
    for number, entry in enumerate(entries):
        reads = () if number == 0 else layers[number - 1].reads
        reads = (number - 1,) if reads is None else reads
        inbound = [[[names[source], 0, 0, {}] for source in reads]] if reads else []
        nodes.append({**entry, "name": names[number], "inbound_nodes": inbound})
    ends = {"input_layers": [[names[0], 0, 0]], "output_layers": [[names[-1], 0, 0]]}
    return {"name": "branches", "layers": nodes, **ends}
