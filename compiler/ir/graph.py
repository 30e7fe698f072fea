"""The intermediate representation: a graph of typed operations (ops.py) in SSA form, in topological order.

A graph computes one step from one step. In a frame graph a step is a whole frame, and no step knows of another;
in a stream graph it is one sample, and the way back in time is a `State`, which a `Window` or a `UnitDelay` reads.
Lowering makes frame graphs; where time is the first axis, passes/stream.py takes it away.

Shapes leave the step axis out. All arrays are numpy: float64 until numbers are chosen, then float32 in a
float graph and int64 in a fixed-point one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from typing import Literal

import numpy as np

from compiler.ir.operation import Op, demand
from compiler.ir.ops import PLAIN, Constant, UnitDelay
from compiler.ir.values import Shape, State, Value


@dataclass(frozen=True, eq=False)
class Graph:
    """A model, or what the passes have made of it so far.

    Args:
        warm_ups: For each output of a stream, the samples at its beginning that Keras would not give, behind `valid`
            convolutions; zeros by default.
        controls: Names of those inputs of a stream graph that stand still for a block of samples, as knobs do.
        output_keys: By which the model gives its outputs, where it gives a dict.
        notes: What a user should know of how the model was read, one sentence each.
    """

    name: str
    mode: Literal["frame", "stream"]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    ops: tuple[Op, ...]
    states: tuple[State, ...] = ()
    warm_ups: tuple[int, ...] = ()
    controls: tuple[str, ...] = ()
    output_keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.warm_ups:
            object.__setattr__(self, "warm_ups", (0,) * len(self.outputs))

    @property
    def warm_up(self) -> int:
        """The longest of the outputs' warm-ups."""
        return max(self.warm_ups, default=0)

    def state(self, name: str) -> State:
        """The state of that name.

        Raises:
            KeyError: There is none.
        """
        return self._states[name]

    def pasts(self, value: Value) -> tuple[State, ...]:
        """The states that keep the past of a value."""
        return self._pasts.get(value.name, ())

    def producer(self, value: Value) -> Op | None:
        """The operation that computes a value; None for an input."""
        return self._producers.get(value.name)

    def consumers(self, value: Value) -> tuple[Op, ...]:
        """The operations that read a value, in order, each once."""
        return self._readers.get(value.name, ())

    def is_output(self, value: Value) -> bool:
        """Whether a value leaves the graph."""
        return value.name in self._output_set

    # A graph never changes, so each index is built once, and looking something up costs the same in any graph.

    @cached_property
    def _states(self) -> dict[str, State]:
        return {state.name: state for state in self.states}

    @cached_property
    def _pasts(self) -> dict[str, tuple[State, ...]]:
        pasts: dict[str, tuple[State, ...]] = {}
        for state in self.states:
            pasts[state.value.name] = (*pasts.get(state.value.name, ()), state)
        return pasts

    @cached_property
    def _producers(self) -> dict[str, Op]:
        return {op.output.name: op for op in self.ops}

    @cached_property
    def _readers(self) -> dict[str, tuple[Op, ...]]:
        readers: dict[str, list[Op]] = {}
        for op in self.ops:
            for name in {value.name for value in op.inputs}:
                readers.setdefault(name, []).append(op)
        return {name: tuple(ops) for name, ops in readers.items()}

    @cached_property
    def _output_set(self) -> frozenset[str]:
        return frozenset(value.name for value in self.outputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the outputs are called, each otherwise: by the model's key, or by layer."""
        names: list[str] = []
        keys = self.output_keys or [value.layer for value in self.outputs]
        for value, wanted in zip(self.outputs, keys, strict=True):
            more = (f"{value.name}_{count}" for count in itertools.count(2))
            names.append(next(name for name in itertools.chain((wanted, value.name), more) if name not in names))
        return tuple(names)

    @cached_property
    def control_rate(self) -> frozenset[str]:
        """Names of the values that follow from controls, with or without constants: they change with the controls."""
        if not self.controls:
            return frozenset()
        control_rate = set(self.controls)
        fixed = {op.output.name for op in self.ops if isinstance(op, Constant)}
        for op in self.ops:
            sources = {value.name for value in op.inputs}
            if op.state_read is None and sources & control_rate and sources <= control_rate | fixed:
                control_rate.add(op.output.name)
        return frozenset(control_rate)

    @property
    def fixed(self) -> bool:
        """Whether its numbers are integers."""
        return self.inputs[0].format is not None

    @cached_property
    def recurrent(self) -> bool:
        """Whether a sample depends on all before it."""
        return any(isinstance(op, UnitDelay) for op in self.ops)

    @cached_property
    def receptive_field(self) -> int | None:
        """Samples of input that one sample of output depends on; None without limit, in a recurrent graph."""
        if self.recurrent:
            return None
        reach = {value.name: 1 for value in self.inputs}
        for op in self.ops:
            reach[op.output.name] = op.reach + max((reach[value.name] for value in op.inputs), default=1)
        return max((reach[value.name] for value in self.outputs), default=1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates a step, without those of `control_rate_macs`."""
        return sum(op.macs for op in self.ops) - self.control_rate_macs

    @property
    def control_rate_macs(self) -> int:
        """Multiply-accumulates whenever the controls change."""
        control_rate = self.control_rate
        return sum(op.macs for op in self.ops if op.output.name in control_rate)

    def __str__(self) -> str:
        return to_text(self)


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan(Op):
    """Frame graphs: runs a stream graph along the first axis of the input, from its states' initial values.

    The one operation that holds a graph, and so it stands above all others, beside what it holds. Further inputs are
    what the first of its states begin from, instead of their initial values; passes/states.py takes them away.

    Args:
        body: One input and one output.
        reverse: From the last element to the first. The output stands in the order of the input all the same
            where `sequences`; Keras' go_backwards turns it round by a Slice.
        sequences: Give every step's output; else the last computed alone.
        stateful: What it keeps from one frame to the next are its states, which frames do not do, but streams do.
    """

    arity = None
    modes = ("frame",)
    body: Graph
    reverse: bool = False
    sequences: bool = True
    stateful: bool = False

    @property
    def words(self) -> str:
        """Whether a step knows of the one before."""
        return "a recurrence" if self.body.states else "what is applied to each step"

    @property
    def macs(self) -> int:
        """Multiply-accumulates over all steps."""
        return self.body.macs * (self.inputs[0].shape[0] or 1)

    def output_shape(self) -> Shape:
        """The body's output, for each step or once."""
        (x, *states), body = self.shapes, self.body
        begun = [state.value.shape for state in body.states[: len(states)]]
        demand(begun == states, "states that begin as", states, "in a body that has", begun)
        demand(len(body.inputs) == len(body.outputs) == 1, "a body of", len(body.inputs), "inputs")
        demand(x and body.inputs[0].shape == x[1:], "a body that takes", body.inputs[0].shape, "on", x)
        return (*x[:1], *body.outputs[0].shape) if self.sequences else body.outputs[0].shape


KINDS: dict[str, type[Op]] = {kind.__name__: kind for kind in (*PLAIN, Scan)}


def rewrite(graph: Graph, transform: Callable[[Op], Op | Iterable[Op] | Value | None]) -> Graph:
    """Walks the operations in order and replaces each by what `transform` makes of it.

    `transform` sees the operation with its inputs already replaced, and returns one of: an operation;
    operations, the last of which stands for the old one; a value that stands for the old output, the
    operation being dropped. States follow their values and go where no window reads them.
    """
    env: dict[str, Value] = {value.name: value for value in graph.inputs}
    ops: list[Op] = []
    for old in graph.ops:
        inputs = tuple(env[value.name] for value in old.inputs)
        # Most operations read what they read before: those are given as they are.
        same = all(new is value for new, value in zip(inputs, old.inputs, strict=True))
        result = transform(old if same else replace(old, inputs=inputs))
        if isinstance(result, Value):
            env[old.output.name] = result
            continue
        new = [result] if isinstance(result, Op) else list(result)
        ops += new
        env[old.output.name] = new[-1].output
    read = {op.state_read for op in ops}
    states = tuple(replace(state, value=env[state.value.name]) for state in graph.states if state.name in read)
    return replace(
        graph,
        ops=tuple(ops),
        outputs=tuple(env[value.name] for value in graph.outputs),
        states=states,
    )


def replace_values(graph: Graph, new: Mapping[str, Value]) -> Graph:
    """The graph with some values (inputs among them) exchanged for others, everywhere."""

    def of(value: Value) -> Value:
        return new.get(value.name, value)

    return replace(
        graph,
        inputs=tuple(map(of, graph.inputs)),
        outputs=tuple(map(of, graph.outputs)),
        ops=tuple(replace(op, inputs=tuple(map(of, op.inputs)), output=of(op.output)) for op in graph.ops),
        states=tuple(replace(state, value=of(state.value)) for state in graph.states),
    )


def _attribute(value: object) -> str:
    if isinstance(value, Graph):
        return "{\n    " + to_text(value).replace("\n", "\n    ") + "\n  }"
    if isinstance(value, np.ndarray):
        if not value.size:
            return "x".join(map(str, value.shape)) + "[]"
        style = "d" if value.dtype.kind == "i" else "g"
        return "x".join(map(str, value.shape)) + f"[{value.min():{style}}..{value.max():{style}}]"
    return str(value)


def _shown(op: Op) -> dict[str, object]:
    """The attributes of an operation that are not what they are by default."""
    usual = {field.name: field.default for field in fields(op) if field.default is not MISSING}
    return {key: value for key, value in op.attributes().items() if key not in usual or value != usual[key]}


def _type(value: Value) -> str:
    shape = " x ".join("time" if n is None else str(n) for n in value.shape) or "scalar"
    return f"{value.format or 'float'}[{shape}]"


def to_text(graph: Graph) -> str:
    """The graph as text, one value a line: for reading, for golden tests, never for reading back."""
    lengths = " and ".join(map(str, dict.fromkeys(graph.warm_ups)))
    warm_up = f", {lengths} samples of warm-up" if graph.warm_up else ""
    lines = [f"{graph.mode} graph {graph.name}{warm_up}"]
    for value in graph.inputs:
        lines.append(f"  input {value.name}: {_type(value)}{', control' if value.name in graph.controls else ''}")
    for state in graph.states:
        lines.append(f"  state {state.name}: {state.length} x {state.value.name} = {_attribute(state.initial)}")
    for op in graph.ops:
        attributes = [f"{key}={_attribute(value)}" for key, value in _shown(op).items()]
        arguments = ", ".join([*(value.name for value in op.inputs), *attributes])
        lines.append(
            f"  {op.output.name}: {_type(op.output)} = {type(op).__name__.lower()}({arguments})  # {op.output.layer}"
        )
    lines += [f"  output {value.name}: {_type(value)}" for value in graph.outputs]
    return "\n".join(lines)
