"""What scheduling is in any numbers: the order of the steps, rings, where each value lies, and how long.

What depends on controls alone comes first, to be done once a call. What only looks at numbers differently (a Reshape,
a Slice of neighbours, a UnitDelay) costs nothing: its value lies where the numbers are. A ring is filled as soon as its
last window has been gathered, so that it holds the past only; one that a UnitDelay reads is filled last of all. Values
share memory when their lives do not overlap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import ops
from compiler.ir.graph import Graph
from compiler.ir.operation import Op
from compiler.ir.values import State, Value
from compiler.mcu import steps
from compiler.mcu.memory import assign
from compiler.mcu.places import CType, Place, Ring
from compiler.mcu.schedule import Port, Schedule, Traced
from compiler.mcu.steps import Compute, Step
from compiler.names import Namer

MOST_ELEMENTS = 65535  # CMSIS-DSP counts rows and columns in 16 bits


class Scheduler(ABC):
    """Schedules one graph, once; the numbers it computes in are its subclasses' business.

    Args:
        graph: What is scheduled.
        whole: The graph that it is a part of: what a product takes along is the same where operations are left out.
    """

    fixed: bool

    def __init__(self, graph: Graph, whole: Graph | None = None) -> None:
        self.graph = graph
        self.whole = whole or graph
        self.steps: list[Step] = []
        self.values: list[Traced] = []
        self.places: dict[str, Place] = {}
        self.rings: dict[str, Ring] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.remembered = {state.value.name for state in self.whole.states}
        self.planned = 0

    @abstractmethod
    def ctype(self, value: Value) -> CType:
        """The type of a value's elements."""

    @abstractmethod
    def open_input(self, value: Value, caller: Place) -> None:
        """Makes an input a value."""

    @abstractmethod
    def product(self, op: Op, source: Place, reader: Op | None) -> tuple[Op, Step]:
        """A product, or an exact function of one number, with what it takes along.

        Args:
            reader: The operation behind it, where that alone reads its sums.

        Returns:
            The operation whose value comes out, and the step.
        """

    @abstractmethod
    def compute(self, op: Op, sources: tuple[Place, ...]) -> bool:
        """Adds the steps of another operation; False for one that has none in these numbers."""

    def run(self) -> Schedule:
        """The schedule of the whole graph.

        Raises:
            CompileError: An operation has no form in these numbers, or a value no known size.
        """
        graph = self.graph
        for value in (*graph.inputs, *(op.output for op in graph.ops)):
            if (value.format is not None) != self.fixed:
                raise CompileError("integers and floating point meet here", layer=value.layer)
            if None in value.shape or not value.size:
                raise CompileError(
                    f"its shape {value.shape} leaves a size open, or has none",
                    layer=value.layer,
                    hint="Give the model's input a fixed, positive size on every axis.",
                )
        for number, value in enumerate(graph.inputs):
            self.open_input(value, Place("in", self.ctype(value), 0, value.size, number))
        last = self._last_readers()
        done: set[str] = set()
        once = graph.control_rate
        for op in graph.ops:
            if op.output.name in once and op.output.name not in done:
                done |= self._add(op)
        per_block = len(self.steps) if once else 0
        self.values = [replace(value, after=per_block - 1) if once else value for value in self.values]
        ended: dict[int, list[State]] = {}
        for state in graph.states:
            ended.setdefault(last.get(state.name, -1), []).append(state)
        for index, op in enumerate(graph.ops):
            if op.output.name not in done:
                done |= self._add(op)
            for state in ended.get(index, ()):
                self.steps.append(self._push(state.name, self.places[state.value.name]))
        late = [self._push(state.name, self._kept(state.value)) for state in graph.states if state.name in self.late]
        inputs, outputs = self._ports("in", graph.inputs), self._ports("out", graph.outputs, graph.output_keys)
        results = [self.places[value.name] for value in graph.outputs]
        aliased = len(inputs) == len(outputs) == 1 and _may_be_one(inputs[0].place, outputs[0].place)
        ordered, values, scratch = assign(self.steps, late, self.values, results, aliased=aliased, per_block=per_block)
        return Schedule(
            frames=graph.mode == "frame",
            inputs=inputs,
            outputs=outputs,
            rings=tuple(self.rings.values()),
            constants=self.constants,
            steps=ordered,
            rest=(),
            values=values,
            scratch=scratch,
            receptive_field=graph.receptive_field,
            steps_per_block=per_block,
        )

    def _ports(self, area: str, values: tuple[Value, ...], keys: tuple[str, ...] = ()) -> tuple[Port, ...]:
        names = map(Namer(), keys) if keys else [value.name for value in values]
        return tuple(
            Port(
                name,
                tuple(value.shape),
                Place(area, self.ctype(value), 0, value.size, number),
                value.format.fraction if value.format else 0,
                per_block=area == "in" and value.name in self.graph.controls,
                warm_up=self.graph.warm_ups[number] if area == "out" else 0,
            )
            for number, (name, value) in enumerate(zip(names, values, strict=True))
        )

    def _last_readers(self) -> dict[str, int]:
        """For each state that windows alone read, the index of the last of them; makes the rings of all."""
        last: dict[str, int] = {}
        self.late: set[str] = set()
        for index, op in enumerate(self.graph.ops):
            if op.state_read is None or (isinstance(op, ops.Window) and op.taps == 1):
                continue
            if isinstance(op, ops.UnitDelay):
                self.late.add(op.state)
            last[op.state_read] = index
            state = self.graph.state(op.state_read)
            value, ctype = state.value, self.ctype(state.value)
            if op.reach > state.length:
                raise CompileError("it looks further back than is kept", layer=op.output.layer)
            bits = 32 if isinstance(op, ops.UnitDelay) else 16
            if ctype not in ("float", "int16_t", f"int{bits}_t"):
                raise CompileError(f"keeps samples of more than {bits} bits", layer=op.output.layer)
            initial = np.broadcast_to(state.initial.reshape(-1), (value.size,))
            initial = initial.astype(np.float32 if ctype == "float" else np.int64)
            self.rings.setdefault(state.name, Ring(state.name, ctype, value.size, state.length, initial))
        return {name: index for name, index in last.items() if name not in self.late}

    def _push(self, state: str, present: Place) -> steps.Push:
        return steps.Push(name=state, sources=(present,), ring=self.rings[state])

    def _kept(self, value: Value) -> Place:
        """Where a value is safe until everything else is done with the sample: not in a ring, which another push
        may change, nor in the input, which an output may be written over."""
        place = self.places[value.name]
        if place.area not in ("ring", "in"):
            return place
        target = self.plan(value)
        self.steps.append(steps.Copy(name=value.name, sources=(place,), target=target))
        return target

    def _add(self, op: Op) -> set[str]:
        """The steps of one operation; the names of the values that exist now."""
        sources = tuple(self.places[value.name] for value in op.inputs)
        match op:
            case ops.Window(taps=1):
                self.exists(op.output, sources[0])
            case ops.Window():
                how = {"ring": self.rings[op.state], "taps": op.taps, "dilation": op.dilation}
                target = self.plan(op.output)
                self.step(op.output, steps.Window(name=op.output.name, sources=sources, target=target, **how))
            case ops.MatMul() | ops.Convolution() | ops.Piecewise() | ops.Table():
                readers = self.whole.consumers(op.output)
                kept = self.whole.is_output(op.output) or op.output.name in self.remembered
                reader = readers[0] if len(readers) == 1 and not kept else None
                end, step = self.product(op, sources[0], reader)
                self.step(end.output, replace(step, name=end.output.name))
                return {op.output.name, end.output.name}
            case _:
                if not self.compute(op, sources):
                    numbers = "fixed" if self.fixed else "floating"
                    raise CompileError(f"{op.words} has no {numbers}-point form on mcu", layer=op.output.layer)
        return {op.output.name}

    def plan(self, value: Value) -> Place:
        """A new buffer for a value."""
        return self.reserve(self.ctype(value), value.size)

    def reserve(self, ctype: CType, size: int) -> Place:
        """A new buffer."""
        self.planned += 1
        return Place("planned", ctype, 0, size, self.planned)

    def step(self, value: Value, step: Compute) -> None:
        """Adds the step with which a value is complete."""
        self.steps.append(step)
        self.exists(value, step.target if step.target.size == value.size else replace(step.target, size=value.size))

    def exists(self, value: Value, place: Place) -> None:
        """From now on a value lies there."""
        self.places[value.name] = place
        self.values.append(Traced(value.name, tuple(value.shape), place, len(self.steps) - 1))


def _may_be_one(given: Place, result: Place) -> bool:
    return (given.size, given.ctype) == (result.size, result.ctype)
