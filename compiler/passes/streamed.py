"""A stream graph as it is being made: its operations, its states, and what is known of each of its values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import Graph
from compiler.ir.ops import Op, Reshape, Slice, Window
from compiler.ir.values import State, Value
from compiler.names import Namer


class Streamed:
    """What has been made so far of a frame graph.

    Args:
        graph: The frame graph, whose names are taken.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        names = {op.output.name for op in graph.ops} | {value.name for value in graph.inputs}
        self.namer = Namer(names)
        self.values: dict[str, Value] = {}  # of the stream, by the name of the frame's
        self.delays: dict[str, int | None] = {}  # by the name of the stream's; None: the same at every sample
        self.ops: list[Op] = []
        self.states: dict[str, State] = {}
        self.delayed: dict[tuple[str, int], Value] = {}
        # Stream values that follow from controls and constants: the same however late.
        self.control_rate: set[str] = set()

    def add(self, old: Value, new: Value, delay: int | None) -> None:
        """Says which value of the stream a value of the frame has become, and how late."""
        self.values[old.name] = new
        self.delays[new.name] = delay

    def delay_of(self, value: Value) -> int:
        """Samples that a value of the stream is late."""
        return self.delays[value.name] or 0

    def emit(self, op: Op) -> Value:
        """Puts an operation behind the others and returns its output."""
        self.ops.append(op)
        if op.state_read is None and all(value.name in self.control_rate for value in op.inputs):
            self.control_rate.add(op.output.name)
        return op.output

    def value(self, like: Value, suffix: str, shape: tuple[int, ...]) -> Value:
        """A new value, of the same layer as `like` and named after it."""
        return replace(like, name=self.namer(f"{like.name}_{suffix}"), shape=shape, folded=())

    def window(self, x: Value, taps: int, dilation: int, output: Value) -> Value:
        """A look at earlier samples of a value, whose state becomes as long as that takes."""
        length = (taps - 1) * dilation
        old = self.states.get(x.name)
        name = old.name if old else self.namer(f"{x.name}_past")
        longest = max(length, old.length if old else 0)
        limits.check(longest * x.size, output.layer, f"the last {longest:,} samples of '{x.layer}'")
        self.states[x.name] = State(name, x, longest, np.zeros(x.shape))
        return self.emit(Window(inputs=(x,), output=output, state=name, taps=taps, dilation=dilation))

    def as_late_as(self, x: Value, delay: int, reader: Value) -> Value:
        """A value as it was so many samples ago that its delay becomes `delay`, for the sake of `reader`."""
        samples = delay - self.delay_of(x)
        if not samples or x.name in self.control_rate:
            return x
        if (x.name, samples) not in self.delayed:
            window = self.window(x, 2, samples, self.value(x, f"late_{samples}_window", (2, *x.shape)))
            first = self.value(x, f"late_{samples}_first", (1, *x.shape))
            self.emit(Slice(inputs=(window,), output=first, axis=0, start=0, count=1))
            late = self.value(replace(x, layer=reader.layer), f"late_{samples}", x.shape)
            self.emit(Reshape(inputs=(first,), output=late))
            self.delays[late.name] = delay
            self.delayed[x.name, samples] = late
        return self.delayed[x.name, samples]


def refuse(value: Value, why: str) -> CompileError:
    """The error for a layer that does not stream."""
    return CompileError(f"does not stream: {why}", layer=value.layer)
