"""The configuration of a model -> its specification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from compiler.errors import CompileError
from compiler.keras_file.jsons import a_list, a_name, an_object
from compiler.keras_file.nodes import is_ref, read_node, read_ref
from compiler.keras_file.spec import Call, LayerSpec, ModelSpec, TensorRef
from compiler.keras_file.weights import DEEPEST_PART, PARTS, Weights

MOST_LAYERS = 20_000
# What a model's configuration holds besides its layers.
_STRUCTURE = {"layers", "input_layers", "output_layers", "name"}


def read_model(config: Mapping[str, Any], weights: Weights, sha256: str, keras_major: int | None) -> ModelSpec:
    """The specification of the outermost model.

    Args:
        config: What `model.to_json()` gives.
        keras_major: The Keras that wrote it, where the file says so.
    """
    body = _body(config, "the model's 'config'")
    if not is_model(body):
        raise CompileError(
            f"a model of class '{config.get('class_name')}' without a list of layers",
            hint="Save a Sequential or functional model; what a subclass computes in call() is not in the file.",
        )
    return _Reader(keras_major or _guess_major(body)).model(body, weights, sha256)


def _body(entry: Mapping[str, Any], what: str, where: str | None = None) -> dict[str, Any]:
    """The configuration of a model or a layer. The first Keras 2 had a bare list for a Sequential model."""
    config = entry.get("config")
    return {"layers": config} if isinstance(config, list) else an_object(config, what, where)


def is_model(body: Mapping[str, Any]) -> bool:
    """Whether a configuration is a model's: of whatever class, it keeps its layers as data."""
    return isinstance(body.get("layers"), list)


def _holds_model(class_name: str, config: Mapping[str, Any]) -> bool:
    """Whether a layer applies a model to each step, or such a layer."""
    while class_name == "TimeDistributed":
        layer = config.get("layer")
        config = layer.get("config") if isinstance(layer, dict) else None
        if not isinstance(config, dict):
            return False
        if is_model(config):
            return True
        class_name = layer.get("class_name")
    return False


def _guess_major(body: Mapping[str, Any]) -> int:
    """Keras 2 calls the shape of an input by another name."""
    entries = [entry.get("config") for entry in body["layers"] if isinstance(entry, dict)]
    return 2 if any(isinstance(entry, dict) and "batch_input_shape" in entry for entry in entries) else 3


class _Reader:
    def __init__(self, keras_major: int) -> None:
        self.keras_major = keras_major
        self.layers = 0

    def model(self, body: Mapping[str, Any], weights: Weights, sha256: str = "", path: str = "") -> ModelSpec:
        where = path or None
        entries = a_list(body["layers"], "'layers'", where)
        if not entries:
            raise CompileError("a model without layers", layer=where)
        self.layers += len(entries)
        if self.layers > MOST_LAYERS:
            raise CompileError(f"more than {MOST_LAYERS} layers")

        specs = [self.layer(entry, weights, path) for entry in entries]
        weights.close()
        twice = [name for name, count in Counter(spec.name for spec in specs).items() if count > 1]
        if twice:
            raise CompileError("two layers have this name", layer=path + twice[0])
        name = a_name(body.get("name", "model"), "the name of the model", where)
        rest = {key: value for key, value in body.items() if key not in _STRUCTURE}
        if "input_layers" not in body and "output_layers" not in body:
            return _chain(name, sha256, specs, rest)
        counted = {spec.name for spec in specs if _counts_from_one(spec)}
        if self.keras_major == 2:
            specs = [replace(spec, calls=tuple(_renumbered(call, counted) for call in spec.calls)) for spec in specs]
        inputs, outputs = body.get("input_layers"), body.get("output_layers")
        keys = tuple(sorted(inputs)) if isinstance(inputs, dict) else ()
        refs = [tuple(_shift(ref, counted) for ref in _refs(side, where)) for side in (inputs, outputs)]
        if not all(refs):
            raise CompileError("a model without inputs or outputs", layer=where)
        names = _keys(outputs, where) if isinstance(outputs, dict) else ()
        return ModelSpec(name, sha256, tuple(specs), refs[0], refs[1], keys, names, rest)

    def layer(self, entry: Any, weights: Weights, path: str) -> LayerSpec:
        entry = an_object(entry, "an entry of 'layers'", path or None)
        config = _body(entry, "the 'config' of a layer", path or None)
        class_name = a_name(entry.get("class_name"), "the class of a layer", path or None)
        name = a_name(entry.get("name") or config.get("name"), "the name of a layer", path or None)
        full = path + name
        nodes = a_list(entry.get("inbound_nodes") or [], "'inbound_nodes'", full)
        calls = tuple(read_node(full, node) for node in nodes)
        spec = LayerSpec(name, _registered(entry, class_name), config, calls, (), self.keras_major)
        if is_model(config):
            return replace(spec, model=self.model(config, weights.model(name, class_name), path=f"{full}/"))
        if _is_operator(entry, config, nodes):
            return replace(spec, operator=True)
        if _holds_model(class_name, config):
            within = weights.wrapped(name, class_name)
            spec = replace(spec, wrapped=self.layer(config["layer"], within, f"{full}/"))
            within.close()
            return spec
        return replace(spec, weights=weights.layer(name, class_name, _cells(config)))


def _registered(entry: dict, class_name: str) -> str:
    """The class with its library, where that gives its layers names of QKeras' layers."""
    registered = entry.get("registered_name")
    return registered if registered == f"hgq>{class_name}" else class_name


def _cells(config: Any, depth: int = 0) -> tuple[str, ...]:
    """The classes of the cells that a recurrent layer stacks, however deep it lies in wrappers."""
    if not isinstance(config, dict) or depth > DEEPEST_PART:
        return ()
    if isinstance(cells := config.get("cells"), list):
        return tuple(str(cell.get("class_name")) for cell in cells if isinstance(cell, dict))
    within = [config[key].get("config") for key in PARTS if isinstance(config.get(key), dict)]
    return next(filter(None, (_cells(part, depth + 1) for part in within)), ())


def _is_operator(entry: Mapping[str, Any], config: Mapping[str, Any], nodes: list[Any]) -> bool:
    """Whether this is an operation of Keras 3, which share names with layers: Add, Multiply, Softmax."""
    module = entry.get("module")
    if isinstance(module, str):
        return module.startswith(("keras.src.ops", "keras.ops"))
    # An .h5 holds no modules, but every layer that can be called says whether it is trainable, save these two.
    if str(entry.get("class_name")).startswith("SpatialDropout"):
        return False
    return "trainable" not in config and any(isinstance(node, dict) for node in nodes)


def _chain(name: str, sha256: str, specs: list[LayerSpec], rest: dict[str, Any]) -> ModelSpec:
    """A Sequential model: each layer called on the one before, the first an InputLayer."""
    first = specs[0]
    if first.class_name != "InputLayer":
        config = first.config if first.model is None else {}
        shapes = [config.get("batch_shape"), config.get("batch_input_shape"), rest.get("build_input_shape")]
        shape = next((shape for shape in shapes if shape is not None), None)
        # Without a shape this serves a reader that looks at the layers alone; lowering says what is wrong.
        specs = [LayerSpec(f"{first.name}_input", "InputLayer", {"batch_shape": shape}, (), ()), *specs]
    chained = [specs[0]]
    for spec in specs[1:]:
        chained.append(replace(spec, calls=(Call((TensorRef(chained[-1].name, 0, 0),)),)))
    ends = TensorRef(specs[0].name, 0, 0), TensorRef(specs[-1].name, 0, 0)
    return ModelSpec(name, sha256, tuple(chained), ends[:1], ends[1:], config=rest)


def _refs(side: Any, where: str | None) -> tuple[TensorRef, ...]:
    """[layer, node, tensor], or lists and dicts of such; dicts by their sorted keys, as Keras flattens them."""
    if isinstance(side, dict):
        return tuple(ref for key in sorted(side) for ref in _refs(side[key], where))
    side = a_list(side, "'input_layers' or 'output_layers'", where)
    if is_ref(side):
        return (read_ref(where, side),)
    return tuple(ref for part in side for ref in _refs(part, where))


def _keys(side: Any, where: str | None, path: tuple[str, ...] = ()) -> tuple[str, ...]:
    """By which keys one comes to each of the outputs that `_refs` finds; to those further in, by 'key/key'."""
    if is_ref(side):
        return ("/".join(path),)
    parts = sorted(side.items()) if isinstance(side, dict) else [(str(i), part) for i, part in enumerate(side)]
    return tuple(
        name for key, part in parts for name in _keys(part, where, (*path, a_name(key, "the key of an output", where)))
    )


def _counts_from_one(spec: LayerSpec) -> bool:
    """Whether the calls of a model within the model are counted from 1: the first was made when it was built.

    Keras 2 does so everywhere, and for a Sequential model only where it was given the shape of its input.
    Keras 3 does so in `output_layers`, and not for a Sequential model.
    """
    if spec.model is None:
        return False
    if spec.keras_major == 3:
        return "output_layers" in spec.config
    first = spec.config["layers"][0]
    return first["class_name"] == "InputLayer" or "batch_input_shape" in first["config"]


def _shift(ref: TensorRef, counted: Collection[str]) -> TensorRef:
    return replace(ref, node=ref.node - 1) if ref.layer in counted else ref


def _renumbered(call: Call, counted: Collection[str]) -> Call:
    def within(value: Any) -> Any:
        if isinstance(value, TensorRef):
            return _shift(value, counted)
        if isinstance(value, tuple):
            return tuple(map(within, value))
        return {key: within(part) for key, part in value.items()} if isinstance(value, dict) else value

    return Call(within(call.arguments), within(dict(call.keywords))) if counted else call
