"""The intermediate representation: a graph of typed operations in SSA form, in topological order.

A graph is a frame graph, whose values have a time axis, or a stream graph, which computes one sample
from one sample and from states. A stream graph's values have no time axis; the only way back in time is
a `Window`, which reads the taps of a `State`.

Shapes leave the batch out. All arrays are numpy: float64 until numbers are chosen, then float32 in a
float graph and int64 in a fixed-point one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from compiler.numerics import Format, Rounding

Shape = tuple[int | None, ...]
UnaryFunction = Literal["relu", "tanh", "sigmoid"]


@dataclass(frozen=True)
class Value:
    """What one operation computes, or one input of the graph.

    Args:
        name: Unique in the graph, and fit to be part of a C or Verilog identifier.
        shape: Without the batch; (channels,) in a stream graph, (None, channels) in a frame graph.
        layer: The Keras layer it came from, for errors and reports.
        format: None for floating point.
        range: The least and greatest real number it can take, where a pass has worked that out.
        folded: Other Keras layers whose work has been folded into the operation that computes it.
    """

    name: str
    shape: Shape
    layer: str
    format: Format | None = None
    range: tuple[float, float] | None = None
    folded: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Numbers in one sample of a stream value."""
        return int(np.prod([1, *(n for n in self.shape if n is not None)]))


@dataclass(frozen=True, eq=False)
class State:
    """The last `length` samples of a value of a stream graph, the present one apart.

    How they are stored (a ring, a shift register, a block RAM) is each target's own business.

    Args:
        name: Unique among the graph's states, fit for an identifier.
        value: Whose past this is.
        length: Samples: (taps - 1) * dilation of the longest window over it.
        initial: What reset makes of every past sample: one number a channel, shape (channels,).
    """

    name: str
    value: Value
    length: int
    initial: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """One operation. Its kind is its class, and its attributes are that class' typed fields."""

    inputs: tuple[Value, ...]
    output: Value


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Op):
    """Frame graphs only: (time, C) -> (time, F), causal, y[t] = bias + sum_k x[t - (K-1-k)*dilation] @ kernel[k].

    Args:
        kernel: (K, C, F), kernel[0] for the oldest sample, as in Keras.
        bias: (F,).
        kernel_format, bias_format: Where a quantiser of the file has put the numbers on a grid.
    """

    kernel: np.ndarray
    bias: np.ndarray
    dilation: int = 1
    kernel_format: Format | None = None
    bias_format: Format | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Window(Op):
    """Stream graphs only: (C,) -> (taps, C), what was 0, dilation, ..., (taps-1)*dilation samples ago, oldest first."""

    state: str
    taps: int
    dilation: int


@dataclass(frozen=True, eq=False, kw_only=True)
class MatMul(Op):
    """bias + the product of the input, all its channel axes flattened in C order, with the weights.

    In a fixed-point graph the weights and the bias are integers, the bias at the accumulator's fraction,
    and the output is the accumulator, in a format proven wide enough.

    Args:
        weights: (rows, columns); rows = the input's size: channels, or taps x channels after a Window.
        bias: (columns,).
        weights_format: The grid the weights lie on; None in float.
        bias_format: The grid the file put the bias on; None where it has none.
        weights_of: The Keras layer that the weights come from, where a fold made the output another layer's.
    """

    weights: np.ndarray
    bias: np.ndarray
    weights_format: Format | None = None
    bias_format: Format | None = None
    weights_of: str = ""

    @property
    def layer(self) -> str:
        """The Keras layer that the weights come from."""
        return self.weights_of or self.output.layer


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(Op):
    """x * scale + shift per channel, both (channels,): a batch normalisation that stands alone."""

    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Unary(Op):
    """A function of one number, applied to each element."""

    function: UnaryFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantize(Op):
    """Float graphs: rounds to the grid of a format and clamps to [lo, hi] grid units; the value stays float.

    Fixed-point builds turn each into a Requantize.
    """

    format: Format
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantize(Op):
    """Fixed-point graphs: drops `shift` bits with rounding, then clamps to [lo, hi]. Relu and saturation are clamps."""

    shift: int
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False)
class Graph:
    """A model, or what the passes have made of it so far."""

    name: str
    mode: Literal["frame", "stream"]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    ops: tuple[Op, ...]
    states: tuple[State, ...] = ()

    def state(self, name: str) -> State:
        """The state of that name."""
        return next(state for state in self.states if state.name == name)

    def producer(self, value: Value) -> Op | None:
        """The operation that computes a value; None for an input."""
        return next((op for op in self.ops if op.output.name == value.name), None)

    def consumers(self, value: Value) -> tuple[Op, ...]:
        """The operations that read a value."""
        return tuple(op for op in self.ops if any(source.name == value.name for source in op.inputs))

    def is_output(self, value: Value) -> bool:
        """Whether a value leaves the graph."""
        return any(output.name == value.name for output in self.outputs)

    @property
    def receptive_field(self) -> int:
        """Samples of input that one sample of output depends on, of a stream graph."""
        reach = {value.name: 1 for value in self.inputs}
        for op in self.ops:
            past = (op.taps - 1) * op.dilation if isinstance(op, Window) else 0
            reach[op.output.name] = past + max(reach[value.name] for value in op.inputs)
        return max((reach[value.name] for value in self.outputs), default=1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates a sample of a stream graph."""
        return sum(op.weights.size for op in self.ops if isinstance(op, MatMul))

    def __str__(self) -> str:
        return to_text(self)


def rewrite(graph: Graph, transform: Callable[[Op], Op | Iterable[Op] | Value | None]) -> Graph:
    """Walks the operations in order and replaces each by what `transform` makes of it.

    `transform` sees the operation with its inputs already replaced, and returns one of: an operation;
    operations, the last of which stands for the old one; a value that stands for the old output, the
    operation being dropped. States follow their values and go where no window reads them.
    """
    env: dict[str, Value] = {value.name: value for value in graph.inputs}
    ops: list[Op] = []
    for old in graph.ops:
        result = transform(replace(old, inputs=tuple(env[value.name] for value in old.inputs)))
        if isinstance(result, Value):
            env[old.output.name] = result
            continue
        new = [result] if isinstance(result, Op) else list(result)
        ops += new
        env[old.output.name] = new[-1].output
    read = {op.state for op in ops if isinstance(op, Window)}
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
    if isinstance(value, np.ndarray):
        style = "d" if value.dtype.kind == "i" else "g"
        return "x".join(map(str, value.shape)) + f"[{value.min():{style}}..{value.max():{style}}]"
    return str(value)


def _type(value: Value) -> str:
    shape = " x ".join("time" if n is None else str(n) for n in value.shape) or "scalar"
    return f"{value.format or 'float'}[{shape}]"


def to_text(graph: Graph) -> str:
    """The graph as text, one value a line: for reading, for golden tests, never for reading back."""
    lines = [f"{graph.mode} graph {graph.name}"]
    lines += [f"  input {value.name}: {_type(value)}" for value in graph.inputs]
    for state in graph.states:
        lines.append(f"  state {state.name}: {state.length} x {state.value.name} = {_attribute(state.initial)}")
    for op in graph.ops:
        own = [f for f in fields(op) if f.name not in {"inputs", "output"}]
        shown = [(f.name, getattr(op, f.name)) for f in own]
        attributes = [
            f"{key}={_attribute(value)}"
            for key, value in shown
            if not (value is None or (isinstance(value, str) and not value))
        ]
        arguments = ", ".join([*(value.name for value in op.inputs), *attributes])
        lines.append(
            f"  {op.output.name}: {_type(op.output)} = {type(op).__name__.lower()}({arguments})  # {op.output.layer}"
        )
    lines += [f"  output {value.name}: {_type(value)}" for value in graph.outputs]
    return "\n".join(lines)
