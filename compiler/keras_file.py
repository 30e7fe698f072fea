"""Reads Keras model files into layer specifications and weights. Imports no Keras and runs nothing it reads.

Two containers, as Keras writes them: `.h5` (the configuration in the attribute `model_config`, weights in
the group `model_weights`, in the order of the attributes `layer_names` and `weight_names`) and `.keras`
(a zip of `config.json` and `model.weights.h5`, whose groups are named by class and counter).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from compiler.errors import CompileError

MEMBER_LIMIT = 1 << 30  # bytes: no configuration or weight file of a model for a device comes near
DATASET_LIMIT = 1 << 28  # numbers in one weight


@dataclass(frozen=True)
class TensorRef:
    """One output of one call of a layer, as Keras names it."""

    layer: str
    node: int
    tensor: int


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """A layer as the file has it: nothing interpreted yet.

    Args:
        calls: The inputs of each call (inbound node), in order; none for an InputLayer.
        weights: In Keras' order of variables.
        keras_major: The Keras that wrote the file: some names mean something else in Keras 2.
    """

    name: str
    class_name: str
    config: Mapping[str, Any]
    calls: tuple[tuple[TensorRef, ...], ...]
    weights: tuple[np.ndarray, ...]
    keras_major: int = 3


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """A model as the file has it, its layers in the file's order."""

    name: str
    sha256: str
    layers: tuple[LayerSpec, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]


def read(path: str | Path) -> ModelSpec:
    """Reads a `.h5` or `.keras` file.

    Raises:
        CompileError: The file is missing, is no model, is damaged or holds what a model cannot; names the file.
    """
    path = Path(path)
    try:
        data = _bytes_of(path)
        config, weights = _open_zip(data) if zipfile.is_zipfile(io.BytesIO(data)) else _open_hdf5(data)
        return _model(config, weights, hashlib.sha256(data).hexdigest())
    except CompileError as error:
        error.file = error.file or str(path)
        raise


def _bytes_of(path: Path) -> bytes:
    if path.is_dir():
        raise CompileError("is a folder, not a model file", hint="Give the .h5 or .keras file that model.save() wrote.")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CompileError("no such file") from None
    except OSError as error:
        raise CompileError(f"cannot be read: {error.strerror}") from None


def _open_hdf5(data: bytes) -> tuple[dict, _Weights]:
    file = _hdf5(data, "no Keras model: neither an HDF5 file nor a .keras archive, or cut short")
    config = file.attrs.get("model_config")
    if config is None:
        raise CompileError(
            "holds no architecture (no attribute 'model_config')",
            hint="It was written by save_weights(); write the whole model with model.save('model.h5').",
        )
    root = _group(file, "model_weights")
    weights = {}
    for name in _names(root, "layer_names"):
        group = _group(root, name)
        weights[name] = tuple(_dataset(group, weight) for weight in _names(group, "weight_names"))
    return _json(config, "model_config"), _Weights(by_name=weights)


def _open_zip(data: bytes) -> tuple[dict, _Weights]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            config = _member(archive, "config.json")
            weights = _member(archive, "model.weights.h5")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, OSError) as error:
        raise CompileError(f"a damaged .keras archive: {error}") from None
    file = _hdf5(weights, "model.weights.h5 in it is damaged")
    groups: dict[str, tuple[np.ndarray, ...]] = {}
    if "layers" in file:
        layers = _group(file, "layers")
        for key in layers:
            group = _group(layers, key)
            if "vars" in group:
                variables = _group(group, "vars")
                groups[key] = tuple(_dataset(variables, str(i)) for i in range(len(variables)))
    return _json(config, "config.json"), _Weights(by_group=groups)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise CompileError(f"no Keras model: the archive has no '{name}'") from None
    if info.file_size > MEMBER_LIMIT:
        raise CompileError(f"'{name}' in the archive claims {info.file_size} bytes")
    with archive.open(info) as member:
        # The directory may lie about the size, so the reading is bounded too.
        return member.read(MEMBER_LIMIT)


def _json(text: str | bytes, where: str) -> dict:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CompileError(f"'{where}' is not JSON: {error}") from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise CompileError(f"'{where}' describes no model")
    return config


def _hdf5(data: bytes, otherwise: str) -> h5py.File:
    try:
        return h5py.File(io.BytesIO(data), "r")
    except OSError:
        raise CompileError(otherwise) from None


def _links(parent: h5py.Group, path: str) -> Any:
    """Walks hard links only: a soft or external link could lead out of the file or in a circle."""
    node = parent
    for part in path.split("/"):
        if not isinstance(node, h5py.Group) or not isinstance(node.get(part, getlink=True), h5py.HardLink):
            raise CompileError(f"no '{path}' in the group '{parent.name}'")
        try:
            node = node[part]
        except (KeyError, OSError, RuntimeError) as error:
            raise CompileError(f"'{path}' in the group '{parent.name}' is damaged: {error}") from None
    return node


def _group(parent: h5py.Group, path: str) -> h5py.Group:
    node = _links(parent, path)
    if not isinstance(node, h5py.Group):
        raise CompileError(f"'{path}' is not a group")
    return node


def _names(group: h5py.Group, attribute: str) -> list[str]:
    # Keras splits a list too long for one attribute over attributes with a counter behind the name.
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        keys = [f"{attribute}{i}" for i in range(len(group.attrs))]
        parts = [group.attrs[key] for key in keys if key in group.attrs]
    names = [name for part in parts for name in np.atleast_1d(part)]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _dataset(group: h5py.Group, path: str) -> np.ndarray:
    node = _links(group, path)
    if not isinstance(node, h5py.Dataset):
        raise CompileError(f"'{path}' is not a weight")
    if node.is_virtual or node.external:
        raise CompileError(f"the weight '{node.name}' points outside the file")
    if node.dtype.kind != "f" or node.size is None or node.size > DATASET_LIMIT:
        raise CompileError(f"the weight '{node.name}' is of type {node.dtype} and shape {node.shape}: no floats")
    try:
        return node[()]
    except (OSError, RuntimeError) as error:
        raise CompileError(f"the weight '{node.name}' is damaged: {error}") from None


@dataclass(frozen=True)
class _Weights:
    """Weights by layer name (.h5) or by the group that class and counter make (.keras)."""

    by_name: Mapping[str, tuple[np.ndarray, ...]] | None = None
    by_group: Mapping[str, tuple[np.ndarray, ...]] | None = None

    def of(self, name: str, class_name: str, counter: Counter[str]) -> tuple[np.ndarray, ...]:
        if self.by_name is not None:
            return self.by_name.get(name, ())
        base = _snake_case(class_name)
        key = f"{base}_{counter[base]}" if counter[base] else base
        counter[base] += 1
        return (self.by_group or {}).get(key, ())


def _snake_case(class_name: str) -> str:
    """How Keras names a group of weights after a class."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _model(config: Mapping[str, Any], weights: _Weights, sha256: str) -> ModelSpec:
    kind, body = config.get("class_name"), config["config"]
    layers = body.get("layers")
    if not isinstance(layers, list) or not all(
        isinstance(layer, dict) and isinstance(layer.get("config"), dict) for layer in layers
    ):
        raise CompileError(f"a model of class '{kind}' without a list of layers", hint="Save a functional model.")
    counter: Counter[str] = Counter()
    sequential = kind == "Sequential"
    specs = []
    for layer in layers:
        class_name = str(layer.get("class_name"))
        name = str(layer.get("name") or layer["config"].get("name"))
        calls = () if sequential else tuple(_call(name, node) for node in layer.get("inbound_nodes") or ())
        specs.append(LayerSpec(name, class_name, layer["config"], calls, weights.of(name, class_name, counter)))
    names = Counter(spec.name for spec in specs)
    if duplicate := next((name for name, n in names.items() if n > 1), None):
        raise CompileError("two layers have this name", layer=duplicate)
    if not specs:
        raise CompileError("a model without layers")
    name = str(body.get("name") or "model")
    if sequential:
        specs = _chain(specs)
        return ModelSpec(
            name, sha256, tuple(specs), (TensorRef(specs[0].name, 0, 0),), (TensorRef(specs[-1].name, 0, 0),)
        )
    inputs, outputs = _refs(body.get("input_layers")), _refs(body.get("output_layers"))
    if not inputs or not outputs:
        raise CompileError("a model without inputs or outputs")
    return ModelSpec(name, sha256, tuple(specs), inputs, outputs)


def _chain(specs: list[LayerSpec]) -> list[LayerSpec]:
    """The layers of a Sequential model, each called on the one before; the first an InputLayer."""
    first = specs[0]
    if first.class_name != "InputLayer":
        shape = first.config.get("batch_shape", first.config.get("batch_input_shape"))
        if shape is None:
            raise CompileError("a Sequential model that was never given an input shape", hint="Begin with an Input.")
        specs = [LayerSpec(f"{first.name}_input", "InputLayer", {"batch_shape": shape}, (), ()), *specs]
    chained = [specs[0]]
    for spec in specs[1:]:
        call = (TensorRef(chained[-1].name, 0, 0),)
        chained.append(LayerSpec(spec.name, spec.class_name, spec.config, (call,), spec.weights))
    return chained


def _call(name: str, node: Any) -> tuple[TensorRef, ...]:
    """The inputs of one inbound node, in the notation of Keras 3 (a dict) or of Keras 2 (nested lists)."""
    if isinstance(node, dict):
        for key, value in (node.get("kwargs") or {}).items():
            if value not in (None, False):
                raise CompileError(f"is called with {key}={value!r}, which is not supported", layer=name)
        return tuple(ref for argument in node.get("args") or () for ref in _tensors(name, argument))
    if isinstance(node, list):
        for entry in node:
            if isinstance(entry, list) and len(entry) > 3 and entry[3]:
                raise CompileError(f"is called with {entry[3]!r}, which is not supported", layer=name)
        return _refs(node)
    raise CompileError(f"an inbound node that cannot be read: {str(node)[:80]}", layer=name)


def _tensors(name: str, argument: Any) -> list[TensorRef]:
    if isinstance(argument, list):
        return [ref for part in argument for ref in _tensors(name, part)]
    if isinstance(argument, dict) and argument.get("class_name") == "__keras_tensor__":
        return list(_refs(argument.get("config", {}).get("keras_history")))
    raise CompileError(f"is called with {str(argument)[:80]}, which is not a layer's output", layer=name)


def _refs(entry: Any) -> tuple[TensorRef, ...]:
    """[name, node, tensor], a list of such, or a dict of such."""
    if isinstance(entry, dict):
        entry = list(entry.values())
    if not isinstance(entry, list):
        return ()
    if len(entry) >= 3 and isinstance(entry[0], str) and isinstance(entry[1], int) and isinstance(entry[2], int):
        return (TensorRef(entry[0], entry[1], entry[2]),)
    return tuple(ref for part in entry for ref in _refs(part))
