"""A Keras model in memory -> its specification. What it is made of is asked of it; Keras itself is not imported."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from compiler.errors import CompileError
from compiler.keras_file import jsons
from compiler.keras_file.configs import read_model
from compiler.keras_file.spec import ModelSpec
from compiler.keras_file.weights import Arrays, Weights, of_training


def from_model(model: Any) -> ModelSpec:
    """Reads a live model of Keras 3 or tf_keras.

    Args:
        model: Functional, Sequential, or a subclass that keeps a functional graph.

    Raises:
        CompileError: It has no configuration, or no graph of layers.
    """
    to_json = getattr(model, "to_json", None)
    if not callable(to_json) or not hasattr(model, "layers"):
        raise CompileError(f"a {type(model).__name__} is no Keras model", hint="Give a model, or the path of one.")
    try:
        text = to_json()
    except Exception as error:  # whatever a layer's own get_config raises
        raise CompileError(
            f"the model of class '{type(model).__name__}' has no configuration: {error}",
            hint="Give its layers a get_config, or build it as a functional model.",
        ) from None
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    config = jsons.parse(text, "the model's configuration")
    spec = read_model(config, _Live(model.layers, digest), "", _major(config))
    return ModelSpec(**{**vars(spec), "sha256": digest.hexdigest()})


def _major(config: Mapping[str, Any]) -> int | None:
    version = str(config.get("keras_version"))
    return int(version[0]) if version[:2] in ("2.", "3.") else None


class _Live:
    """The weights of live layers, by name."""

    def __init__(self, layers: Any, digest: Any) -> None:
        self._layers = {layer.name: layer for layer in layers}
        self._digest = digest

    def layer(self, name: str, class_name: str, cells: Sequence[str] = ()) -> Arrays:
        layer = self._layers.get(name)
        weights = () if layer is None else layer.weights
        return tuple(self._array(weight) for weight in weights if not of_training(weight.name))

    def _array(self, weight: Any) -> np.ndarray:
        value = weight.numpy() if hasattr(weight, "numpy") else np.asarray(weight)
        # numpy has no bfloat16 of its own; its neighbour in the same process calls it a void.
        array = value.astype(np.float32) if value.dtype.kind not in "fiub" else np.array(value)
        self._digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
        return array

    def model(self, name: str, class_name: str) -> Weights:
        return _Live(getattr(self._layers.get(name), "layers", ()), self._digest)

    def wrapped(self, name: str, class_name: str) -> Weights:
        layer = getattr(self._layers.get(name), "layer", None)
        return _Live(() if layer is None else (layer,), self._digest)

    def close(self) -> None:
        """Nothing is left over: what no layer has asked for does not belong to the graph."""
