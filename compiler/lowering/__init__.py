"""Keras layers -> operations: the table, and the walk over a model's calls that applies it.

To add a layer: write a function (Layer, Value, ...) -> Value that consumes every configuration key, in the
module of its family, and enter it in table.py.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from compiler.errors import CompileError
from compiler.graph import Graph, Value
from compiler.keras_file import LayerSpec, ModelSpec
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer
from compiler.lowering.table import TABLE
from compiler.names import Namer


def lower(model: ModelSpec, name: str) -> Graph:
    """The frame graph of a model; its values are (time, channels).

    Raises:
        CompileError: Naming the first layer, and its key, that cannot be lowered.
    """
    builder = Builder()
    values: dict[str, Value] = {}
    inputs = []
    layers = {spec.name: spec for spec in model.layers}
    for ref in model.inputs:
        if ref.layer not in layers:
            raise CompileError(f"its input '{ref.layer}' is not among its layers")
        values[ref.layer] = _input(layers[ref.layer], builder.namer)
        inputs.append(values[ref.layer])
    for spec in _in_order(model):
        if spec.name not in values:
            values[spec.name] = _lower_call(spec, values, builder)
    for ref in model.outputs:
        if ref.layer not in values or ref.node or ref.tensor:
            raise CompileError(f"its output '{ref.layer}' is not what one of its layers computes")
    outputs = tuple(values[ref.layer] for ref in model.outputs)
    return Graph(name=name, mode="frame", inputs=tuple(inputs), outputs=outputs, ops=tuple(builder.ops))


def _in_order(model: ModelSpec) -> list[LayerSpec]:
    """Layers so that each comes after those it is called on; files need not store them so."""
    specs = {spec.name: spec for spec in model.layers}
    sources = {name: [ref.layer for call in spec.calls for ref in call] for name, spec in specs.items()}
    try:
        order = list(TopologicalSorter(sources).static_order())
    except CycleError as error:
        raise CompileError("the layers are called in a circle", layer=error.args[1][0]) from None
    return [specs[name] for name in order if name in specs]


def _lower_call(spec: LayerSpec, values: dict[str, Value], builder: Builder) -> Value:
    if spec.class_name == "InputLayer":
        raise CompileError("is an input that the model does not list among its inputs", layer=spec.name)
    function = TABLE.get(spec.class_name)
    if function is None:
        raise CompileError(
            f"a layer of class '{spec.class_name}' is not supported",
            layer=spec.name,
            hint=f"Supported: InputLayer, {', '.join(sorted(TABLE))}.",
        )
    if len(spec.calls) != 1:
        raise CompileError(f"is called {len(spec.calls)} times; once is supported", layer=spec.name)
    (call,) = spec.calls
    if len(call) != 1:
        raise CompileError(f"is called on {len(call)} values; one is supported", layer=spec.name)
    (ref,) = call
    if ref.layer not in values or ref.node or ref.tensor:
        raise CompileError(f"is called on '{ref.layer}', call {ref.node}, which is not there", layer=spec.name)
    layer = Layer(spec, builder)
    value = function(layer, values[ref.layer])
    layer.finish()
    return value


def _input(spec: LayerSpec, namer: Namer) -> Value:
    if spec.class_name != "InputLayer":
        raise CompileError(f"the model's input is a {spec.class_name}, not an InputLayer", layer=spec.name)
    key = "batch_shape" if "batch_shape" in spec.config else "batch_input_shape"
    shape = spec.config.get(key)
    valid = isinstance(shape, list) and all(n is None or (isinstance(n, int) and n > 0) for n in shape[1:])
    if not valid or len(shape) < 2 or shape[-1] is None:
        raise CompileError(
            f"{key}={shape!r} is not the shape of an input with a known number of channels", layer=spec.name
        )
    if len(shape) != 3:
        raise CompileError(
            f"{key}={shape!r}: only inputs of (batch, time, channels) are supported",
            layer=spec.name,
            hint="Give the input a time axis: Input((None, channels)).",
        )
    for flag in ("sparse", "ragged"):
        if spec.config.get(flag):
            raise CompileError(f"{flag}=True is not supported", layer=spec.name)
    return Value(namer(spec.name), (None, shape[-1]), spec.name)
