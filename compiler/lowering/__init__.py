"""Keras layers -> operations: the walk over a model's calls, which applies the tables.

To add a layer: write a function (Layer, Value, ...) -> Value that consumes every configuration key, in the
module of its family, and enter it in table.py. Operators (`x * 0.5`, `keras.ops`) stand in operators.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.values import Value
from compiler.keras_file import Call, LayerSpec, ModelSpec, TensorRef, leaves
from compiler.lowering import masking, nearest
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer
from compiler.lowering.operators import lower_operator
from compiler.lowering.table import TABLE, find
from compiler.lowering.wrappers import RECURRENT, each_step

MOST_CALLS = 10_000  # models within models called twice each soon make more than there are layers in the world
# Layers that may be called with an `initial_state`, which Keras 2 puts behind the input.
TAKES_STATES = ("Bidirectional", *RECURRENT)
# What a model's configuration may say besides its layers, without effect on what a trained model computes.
MODEL_KEYS = {"trainable", "dtype", "build_input_shape"}


def lower(model: ModelSpec, name: str) -> Graph:
    """The frame graph of a model.

    Raises:
        CompileError: Naming the first layer, and its key, that cannot be lowered.
    """
    builder = Builder()
    layers = {spec.name: spec for spec in model.layers}
    specs = [_input_spec(ref, layers) for ref in model.inputs]
    builder.batch = _batch(specs)
    inputs = tuple(_input(spec, builder) for spec in specs)
    outputs = _Walk(model, builder, "", [MOST_CALLS]).run(inputs)
    ops, notes = tuple(builder.ops), tuple(dict.fromkeys(builder.notes))
    return Graph(name, "frame", inputs, outputs, ops, output_keys=model.output_keys, notes=notes)


Node = tuple[str, int]  # a layer, and which of its calls


class _Walk:
    """One model, outermost or nested, whose calls are lowered from the outputs back: each after what it is called on.

    Args:
        prefix: What to put before the names of its layers: 'outer/'.
        calls_left: One number, which all models within a model share.
    """

    def __init__(self, model: ModelSpec, builder: Builder, prefix: str, calls_left: list[int]) -> None:
        self.model = model
        self.builder = builder
        self.prefix = prefix
        self.calls_left = calls_left
        self.layers = {spec.name: spec for spec in model.layers}
        self.values: dict[Node, tuple[Value, ...]] = {}

    def run(self, inputs: Sequence[Value]) -> tuple[Value, ...]:
        """The outputs for some inputs."""
        if unknown := sorted(
            key for key in self.model.config.keys() - MODEL_KEYS if self.model.config[key] is not None
        ):
            raise self._error(f"{unknown[0]}={self.model.config[unknown[0]]!r}: this key of a model is not supported")
        for ref, value in zip(self.model.inputs, inputs, strict=True):
            self.values[ref.layer, ref.node] = (value,)
        for ref in self.model.outputs:
            if ref.layer not in self.layers:
                raise self._error(f"its output '{ref.layer}' is not among its layers")
            self._compute((ref.layer, ref.node))
        return tuple(self._value(ref, "the output") for ref in self.model.outputs)

    def _error(self, what: str, layer: str = "", hint: str | None = None) -> CompileError:
        return CompileError(what, layer=(self.prefix + layer).rstrip("/") or None, hint=hint)

    def _compute(self, wanted: Node) -> None:
        """Lowers a call, and first, without recursion, all that it depends on."""
        pending, entered = [wanted], set()
        while pending:
            node = pending[-1]
            if node in self.values:
                pending.pop()
                continue
            spec, call = self._call(node)
            missing = [(ref.layer, ref.node) for ref in call.refs if (ref.layer, ref.node) not in self.values]
            if not missing:
                self.values[node] = self._lower(spec, call)
            elif node in entered:
                raise self._error("the layers are called in a circle", node[0])
            else:
                entered.add(node)
                # The first argument comes first, so that the order of operations is that of the arguments.
                pending += reversed(missing)

    def _call(self, node: Node) -> tuple[LayerSpec, Call]:
        name, index = node
        spec = self.layers.get(name)
        if spec is None:
            raise self._error(f"a layer is called on '{name}', which is not there")
        if spec.class_name == "InputLayer":
            raise self._error("is an input that the model does not list among its inputs", name)
        if not 0 <= index < len(spec.calls):
            raise self._error(f"its call {index} is asked for; it has {len(spec.calls)}", name)
        return spec, spec.calls[index]

    def _value(self, ref: TensorRef, reader: str) -> Value:
        values = self.values[ref.layer, ref.node]
        if ref.tensor >= len(values):
            raise self._error(f"{reader} is its tensor {ref.tensor}; it gives {len(values)}", ref.layer)
        return values[ref.tensor]

    def _lower(self, spec: LayerSpec, call: Call) -> tuple[Value, ...]:
        self.calls_left[0] -= 1
        if self.calls_left[0] < 0:
            raise self._error(f"more than {MOST_CALLS} calls of layers", spec.name)
        spec = replace(spec, name=self.prefix + spec.name)
        arguments = self._filled(call.arguments, spec.name)
        keywords = {key: self._filled(value, spec.name) for key, value in call.keywords.items()}
        self._demand_batches(spec, arguments, keywords)
        if spec.operator or spec.class_name in ("TFOpLambda", "SlicingOpLambda"):
            return lower_operator(spec, self.builder, arguments, keywords)
        inputs, mask = _inputs(spec, arguments, keywords)
        return self._apply(spec, self.builder, inputs, arguments, mask)

    def _demand_batches(self, spec: LayerSpec, arguments: Any, keywords: Any) -> None:
        """Refuses values whose first axis is not the batch, except where a reshape makes it that again."""
        if not self.builder.unbatched or spec.config.get("function", spec.class_name) in ("Reshape", "reshape"):
            return
        for value in leaves((arguments, keywords)):
            if isinstance(value, Value) and value.name in self.builder.unbatched:
                what = f"'{value.layer}' stacks along the batch, and only a reshape to (1, ...) can follow that"
                raise CompileError(what, layer=spec.name, hint="Stack along axis 1.")

    def _filled(self, argument: Any, reader: str) -> Any:
        """An argument with values in place of references."""
        if isinstance(argument, TensorRef):
            return self._value(argument, f"what '{reader}' is called on")
        if isinstance(argument, tuple):
            return tuple(self._filled(part, reader) for part in argument)
        if isinstance(argument, Mapping):
            return {key: self._filled(part, reader) for key, part in argument.items()}
        return argument

    def _apply(
        self,
        spec: LayerSpec,
        builder: Builder,
        inputs: Sequence[Value],
        arguments: tuple[Any, ...] = (),
        mask: Value | None = None,
    ) -> tuple[Value, ...]:
        if spec.model is not None:
            if mask is not None and inputs:
                builder.masks[inputs[0].name] = mask
            return self._nested(spec, builder, inputs, arguments)
        if spec.wrapped is not None:
            return (self._each_step(spec, builder, inputs),)
        return masking.hand_on(spec, builder, inputs, lower_layer(spec, builder, inputs, mask))

    def _each_step(self, spec: LayerSpec, builder: Builder, inputs: Sequence[Value]) -> Value:
        """A model, or what holds one, applied to each step of a value."""
        layer = Layer(spec, builder)
        wrapped = replace(spec.wrapped, name=f"{spec.name}/{spec.wrapped.name}")
        if len(inputs) != 1:
            raise layer.error(f"is called on {len(inputs)} values, which no {spec.class_name} is")

        def step(to: Builder, element: Value) -> Value:
            values = self._apply(wrapped, to, (element,))
            if len(values) != 1:
                raise layer.error(f"a {wrapped.class_name} that gives several values within is not supported")
            return values[0]

        layer.ignore("layer")
        y = each_step(layer, inputs[0], step)
        layer.finish()
        return y

    def _nested(
        self, spec: LayerSpec, builder: Builder, inputs: Sequence[Value], arguments: tuple[Any, ...]
    ) -> tuple[Value, ...]:
        model = spec.model
        if len(inputs) != len(model.inputs):
            raise CompileError(f"is called on {len(inputs)} values; it has {len(model.inputs)} inputs", layer=spec.name)
        given = next((argument for argument in arguments if isinstance(argument, Mapping)), None)
        if given is not None and tuple(sorted(given)) != model.input_keys:
            raise CompileError(f"is called on {sorted(given)}; its inputs are {model.input_keys}", layer=spec.name)
        layers = {layer.name: layer.config for layer in model.layers}
        for ref, value in zip(model.inputs, inputs, strict=True):
            own = layers.get(ref.layer, {})
            shape = own.get("batch_shape", own.get("batch_input_shape"))
            if isinstance(shape, list) and len(shape) != 1 + len(value.shape):
                raise CompileError(
                    f"is called on a value of shape {value.shape}; its input is {shape}", layer=spec.name
                )
        return _Walk(model, builder, f"{spec.name}/", self.calls_left).run(inputs)


def lower_layer(
    spec: LayerSpec, builder: Builder, inputs: Sequence[Value], mask: Value | None = None
) -> tuple[Value, ...]:
    """What a layer computes from some values, by the function that the table has for it.

    Args:
        mask: Which steps count, where the layer is called with that.
    """
    function = find(spec.class_name)
    if spec.class_name == "Lambda":
        raise CompileError(
            "a Lambda layer is code, which is not run", layer=spec.name, hint="Build it from layers or from keras.ops."
        )
    if function is None:
        raise CompileError(
            f"a layer of class '{spec.class_name}' is not supported",
            layer=spec.name,
            hint=nearest.hint(spec.class_name, TABLE),
        )
    layer = Layer(spec, builder)
    layer.mask = masking.mask_of(spec, layer, inputs, mask)
    try:
        inspect.signature(function).bind(layer, *inputs)
    except TypeError:
        raise layer.error(f"is called on {len(inputs)} values, which no {spec.class_name} is") from None
    result = function(layer, *inputs)
    layer.finish()
    return (result,) if isinstance(result, Value) else tuple(result)


def _inputs(
    spec: LayerSpec, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[list[Value], Value | None]:
    """The values that a layer is called on, and its mask; any other argument must be one that does nothing."""
    keywords = dict(keywords)
    states = keywords.pop("initial_state", None) if spec.class_name in TAKES_STATES else None
    states = () if _says_nothing(states) else states
    mask = keywords.pop("mask") if masking.takes(spec) and isinstance(keywords.get("mask"), Value) else None
    found = list(leaves((arguments, keywords.pop("inputs", ()), states)))
    for value in found:
        if not isinstance(value, Value):
            raise CompileError(f"is called on {str(value)[:80]}, which is not a layer's output", layer=spec.name)
    for key, value in keywords.items():
        # Keras 3 records `training=True` for layers of augmentation, and predict() overrides it.
        overridden = key == "training" and spec.keras_major == 3
        if not overridden and not _says_nothing(value):
            shown = "a layer's output" if isinstance(value, Value) else repr(value)[:80]
            raise CompileError(f"is called with {key}={shown}, which is not supported", layer=spec.name)
    return found, mask


def _says_nothing(value: Any) -> bool:
    """Whether an argument by name asks for nothing: no mask, no training, no state to begin with."""
    return all(leaf is None or (isinstance(leaf, bool | int | float) and not leaf) for leaf in leaves(value))


def _input_spec(ref: TensorRef, layers: Mapping[str, LayerSpec]) -> LayerSpec:
    if ref.layer not in layers:
        raise CompileError(f"its input '{ref.layer}' is not among its layers")
    spec = layers[ref.layer]
    if spec.class_name != "InputLayer" or ref.node or ref.tensor:
        raise CompileError(f"the model's input is a {spec.class_name}, not an InputLayer", layer=spec.name)
    return spec


def _batch(inputs: Iterable[LayerSpec]) -> int | None:
    """How many frames every input has in a call, where the file says so."""
    shapes = [spec.config.get("batch_shape", spec.config.get("batch_input_shape")) for spec in inputs]
    # Any of them may be anything yet: `_input` says what is wrong.
    counts = {shape[0] if isinstance(shape, list) and shape and type(shape[0]) is int else None for shape in shapes}
    return counts.pop() if len(counts) == 1 else None


def _input(spec: LayerSpec, builder: Builder) -> Value:
    layer = Layer(spec, builder)
    key = next(
        (key for key in ("batch_shape", "batch_input_shape") if layer.take(key, None) is not None), "batch_shape"
    )
    shape = layer.take(key, None)
    if shape is None:
        raise layer.error("the model was never given the shape of its input", hint="Begin with an Input.")
    if (
        not isinstance(shape, list)
        or len(shape) < 2
        or not _sizes(shape[2:])
        or not _sizes(n for n in shape[:2] if n is not None)
    ):
        raise layer.error(
            f"{key}={shape!r} is not the shape of an input",
            hint="It is (batch, time, ...) or (batch, ...); only the batch and time may be unknown.",
        )
    if len(shape) == 2 and shape[1] is None:
        raise layer.error(f"{key}={shape!r}: time without channels", hint="Give the input channels: (None, 1).")
    layer.expect_false("sparse", "ragged", "optional")
    layer.ignore("shape")
    layer.finish()
    return layer.value(shape[1:])


def _sizes(numbers: Iterable[Any]) -> bool:
    return all(isinstance(n, int) and not isinstance(n, bool) and 0 < n < 1 << 31 for n in numbers)
