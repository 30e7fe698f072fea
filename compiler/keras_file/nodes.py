"""Inbound nodes: how Keras 2 and Keras 3 write down one call of a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.errors import CompileError
from compiler.keras_file.jsons import a_list, a_name, an_index, an_object, shown
from compiler.keras_file.spec import Call, TensorRef

CONSTANT = "_CONSTANT_VALUE"


def read_node(layer: str, node: Any) -> Call:
    """One call of a layer: an object of `args` and `kwargs` in Keras 3, nested lists and dicts in Keras 2."""
    if isinstance(node, dict) and node.keys() == {"args", "kwargs"}:
        arguments = a_list(node["args"], "'args' of an inbound node", layer)
        keywords = an_object(node["kwargs"], "'kwargs' of an inbound node", layer)
        return Call(
            tuple(_argument(layer, value) for value in arguments),
            {key: _argument(layer, value) for key, value in keywords.items()},
        )
    keywords: dict[str, Any] = {}
    first = _structure(layer, node, keywords)
    return Call((first,), {key: _keyword(layer, value) for key, value in keywords.items()})


def read_ref(layer: str | None, history: Any) -> TensorRef:
    """[layer, node, tensor]."""
    parts = a_list(history, "a tensor", layer)
    if len(parts) < 3:
        raise CompileError(f"{shown(parts)} is no tensor", layer=layer)
    name = a_name(parts[0], "the layer of a tensor", layer)
    return TensorRef(name, an_index(parts[1], "a tensor's node", layer), an_index(parts[2], "a tensor's number", layer))


def is_ref(value: Any) -> bool:
    """Whether this is [layer, node, tensor, ...] rather than a list of such."""
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and not isinstance(value[1], str)


# Keras 3.


def _argument(layer: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_argument(layer, part) for part in value)
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if not isinstance(kind, str) or not kind.startswith("__"):
        return {key: _argument(layer, part) for key, part in value.items()}
    config = value.get("config")
    if kind == "__keras_tensor__":
        return read_ref(layer, an_object(config, "a tensor", layer).get("keras_history"))
    if kind in ("__numpy__", "__tensor__"):
        return _array(layer, an_object(config, "an array", layer).get("value"))
    if kind == "__slice__":
        return _slice(layer, an_object(config, "a slice", layer))
    if kind == "__ellipsis__":
        return Ellipsis
    if kind == "__tuple__":
        items = value.get("items", config)
        return tuple(_argument(layer, part) for part in a_list(items, "a tuple", layer))
    return value


# Keras 2.


def _structure(layer: str, node: Any, keywords: dict[str, Any]) -> Any:
    """The first argument: a tensor, or tensors in lists and dicts; the arguments by name stand behind each tensor."""
    if isinstance(node, dict):
        return {key: _structure(layer, part, keywords) for key, part in node.items()}
    if not is_ref(node):
        return tuple(_structure(layer, part, keywords) for part in a_list(node, "an inbound node", layer))
    if len(node) > 3:
        keywords |= an_object(node[3], "the arguments of an inbound node", layer)
    if node[0] == CONSTANT:
        return _keyword(layer, node[2])
    return read_ref(layer, node)


def _keyword(layer: str, value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("class_name") == "__ellipsis__":
            return Ellipsis
        if value.keys() == {"start", "stop", "step"}:
            return _slice(layer, value)
        return {key: _keyword(layer, part) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    if is_ref(value) and len(value) == 3:
        return read_ref(layer, value)
    return tuple(_keyword(layer, part) for part in value)


# Both.


def _slice(layer: str, config: dict[str, Any]) -> slice:
    bounds = [config.get(key) for key in ("start", "stop", "step")]
    if not all(bound is None or (isinstance(bound, int) and not isinstance(bound, bool)) for bound in bounds):
        raise CompileError(f"{shown(config)} is no slice by whole numbers", layer=layer)
    return slice(*bounds)


def _array(layer: str, value: Any) -> np.ndarray:
    try:
        return np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise CompileError(f"{shown(value)} is no array of numbers", layer=layer) from None
