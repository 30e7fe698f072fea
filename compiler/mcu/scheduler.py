"""Graph -> schedule: the steps of one sample or one frame, where each value lies, and how long.

What depends on controls alone comes first, to be done once a call. A product takes the activation or
requantisation behind it along when nothing else reads its sums. What only looks at numbers differently (a Reshape,
a Slice of neighbours, a Recall) costs nothing: its value lies where the numbers are. A ring is filled as soon as its
last window has been gathered, so that it holds the past only; one that a Recall reads is filled last of all. Values
share memory when their lives do not overlap.
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np

from compiler.errors import CompileError
from compiler.ir import ops as ir
from compiler.ir.graph import Graph
from compiler.ir.graph import Scan as ScanOp
from compiler.ir.numerics import Format, effective_shift
from compiler.ir.ops import Convolution, MatMul, Op, Recall, Unary, Window
from compiler.ir.values import State, Value
from compiler.mcu import float_steps
from compiler.mcu.interpreter import Arithmetic, rings_at_rest
from compiler.mcu.memory import assign
from compiler.mcu.packing import Kernels
from compiler.mcu.schedule import Port, Schedule, Traced
from compiler.mcu.steps import (
    Activation,
    Compute,
    Copy,
    CType,
    Gather,
    Place,
    Product,
    Push,
    Requantize,
    Rescale,
    Ring,
    Scan,
    Step,
)
from compiler.names import Namer

MOST_ELEMENTS = 65535  # CMSIS-DSP counts rows and columns in 16 bits
MOST_SHIFT = {"int32_t": 30, "int64_t": 63}


def schedule(graph: Graph, kernels: Kernels = "c") -> Schedule:
    """The schedule of a stream graph or of a frame graph whose shapes are known.

    Args:
        kernels: Whose order of terms the constants of silence are to come from; nothing else depends on it.

    Raises:
        CompileError: Naming the first layer that this target cannot compute.
    """
    made = _Scheduler(graph).run()
    if not made.rings:
        return made
    resting = _Scheduler(_what_states_need(graph), whole=graph).run()
    scratch = {
        ctype: max(made.scratch.get(ctype, 0), resting.scratch.get(ctype, 0))
        for ctype in {**made.scratch, **resting.scratch}
    }
    made = replace(made, rest=resting.steps, scratch=scratch)
    return made if graph.recurrent else _with_silence(made, kernels)


def check(graph: Graph) -> None:
    """Says whether a graph has a schedule, without making the constants that belong to it.

    Raises:
        CompileError: Naming the first layer that this target cannot compute.
    """
    _Scheduler(graph).run()


def _with_silence(made: Schedule, kernels: Kernels) -> Schedule:
    """With what the rings hold when zeros have come in for ever, to the bit that the C itself would come to: in a
    deep network, the last places of one layer are amplified by those behind it."""
    zeros = [np.zeros(port.place.size) for port in made.inputs]
    held = [rings_at_rest(made, *zeros, arithmetic=Arithmetic(kernels, fused)) for fused in (True, False)]
    rings = tuple(replace(ring, silence=tuple(each[ring.name] for each in held)) for ring in made.rings)
    return replace(made, rings=rings)


class _Scheduler:
    def __init__(self, graph: Graph, whole: Graph | None = None) -> None:
        self.graph = graph
        self.whole = whole or graph  # what a product takes along is the same where operations are left out
        self.fixed = any(value.format is not None for value in graph.inputs)
        if self.fixed and graph.mode != "stream":
            raise CompileError("only models that stream compile for mcu in fixed point", layer=_first_layer(graph))
        for values, what in ((graph.inputs, "inputs"), (graph.outputs, "outputs")):
            if self.fixed and len(values) > 1:
                raise CompileError(f"{len(values)} {what}; in fixed point a model has one", layer=values[1].layer)
        self.steps: list[Step] = []
        self.values: list[Traced] = []
        self.places: dict[str, Place] = {}
        self.rings: dict[str, Ring] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.remembered = {state.value.name for state in self.whole.states}
        self.planned = 0

    def run(self) -> Schedule:
        graph = self.graph
        for value in (*graph.inputs, *(op.output for op in graph.ops)):
            if (value.format is not None) != self.fixed:
                raise CompileError(f"{value.name} mixes integers and floating point", layer=value.layer)
            if None in value.shape or not value.size:
                raise CompileError(
                    f"a value of shape {value.shape}",
                    layer=value.layer,
                    hint="Give the model's input a fixed, positive size on every axis.",
                )
        for number, value in enumerate(graph.inputs):
            self._open_input(number, value)
        last = self._last_readers()
        done: set[str] = set()
        once = graph.held
        for op in graph.ops:
            if op.output.name in once and op.output.name not in done:
                done |= self._add(op)
        held = len(self.steps) if once else 0
        self.values = [replace(value, after=held - 1) if once else value for value in self.values]
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
        steps, values, scratch = assign(self.steps, late, self.values, results, aliased=aliased, held=held)
        return Schedule(
            frames=graph.mode == "frame",
            inputs=inputs,
            outputs=outputs,
            rings=tuple(self.rings.values()),
            constants=self.constants,
            steps=steps,
            rest=(),
            values=values,
            scratch=scratch,
            receptive_field=graph.receptive_field,
            held=held,
        )

    def _ports(self, area: str, values: tuple[Value, ...], keys: tuple[str, ...] = ()) -> tuple[Port, ...]:
        names = map(Namer(), keys) if keys else [value.name for value in values]
        return tuple(
            Port(
                name,
                tuple(value.shape),
                Place(area, self._ctype(value), 0, value.size, number),
                value.format.fraction if value.format else 0,
                held=area == "in" and value.name in self.graph.controls,
                warm_up=self.graph.warm_ups[number] if area == "out" else 0,
            )
            for number, (name, value) in enumerate(zip(names, values, strict=True))
        )

    def _open_input(self, number: int, value: Value) -> None:
        """The caller's sample as it is, or, where its format is narrower than its type, clamped to that format."""
        ctype = self._ctype(value)
        caller = Place("in", ctype, 0, value.size, number)
        if value.format and (value.format.lo, value.format.hi) != (-(1 << 15), (1 << 15) - 1):
            if ctype != "int16_t":
                raise CompileError(f"its input has {value.format.width} bits, more than 16", layer=value.layer)
            clamp = Rescale(0, "floor", value.format.lo, value.format.hi)
            target = self.plan(value)
            self.step(
                value,
                Requantize(name=value.name, sources=(caller,), target=target, rescale=clamp, wide="int32_t"),
            )
        else:
            self.exists(value, caller)

    def _last_readers(self) -> dict[str, int]:
        """For each state that windows alone read, the index of the last of them; makes the rings of all."""
        last: dict[str, int] = {}
        self.late: set[str] = set()
        for index, op in enumerate(self.graph.ops):
            if op.state_read is None or (isinstance(op, Window) and op.taps == 1):
                continue
            if isinstance(op, Recall):
                self.late.add(op.state)
            last[op.state_read] = index
            state = self.graph.state(op.state_read)
            value, ctype = state.value, self._ctype(state.value)
            if op.reach > state.length:
                raise CompileError(f"a window reaches past its state {state.name}", layer=op.output.layer)
            if ctype not in ("float", "int16_t"):
                raise CompileError("keeps samples of more than 16 bits", layer=op.output.layer)
            initial = np.broadcast_to(state.initial.reshape(-1), (value.size,))
            initial = initial.astype(np.float32 if ctype == "float" else np.int64)
            self.rings.setdefault(state.name, Ring(state.name, ctype, value.size, state.length, initial))
        return {name: index for name, index in last.items() if name not in self.late}

    def _push(self, state: str, present: Place) -> Push:
        return Push(name=state, sources=(present,), ring=self.rings[state])

    def _kept(self, value: Value) -> Place:
        """Where a value is safe until everything else is done with the sample: not in a ring, which another push
        may change, nor in the input, which an output may be written over."""
        place = self.places[value.name]
        if place.area not in ("ring", "in"):
            return place
        target = self.plan(value)
        self.steps.append(Copy(name=value.name, sources=(place,), target=target))
        return target

    def _add(self, op: Op) -> set[str]:
        """The steps of one operation; the names of the values that exist now."""
        sources = tuple(self.places[value.name] for value in op.inputs)
        common = {"name": op.output.name, "sources": sources}
        match op:
            case Window(taps=1):
                self.exists(op.output, sources[0])
            case Window():
                ring = self.rings[op.state]
                target = self.plan(op.output)
                self.step(op.output, Gather(**common, target=target, ring=ring, taps=op.taps, dilation=op.dilation))
            case MatMul() | Convolution():
                return self._product(op, sources[0])
            case ir.Requantize() if self.fixed:
                wide = self._wide(op, op.inputs[0].format)
                target = self.plan(op.output)
                self.step(op.output, Requantize(**common, target=target, rescale=_rescale(op), wide=wide))
            case Recall() if not self.fixed:
                self.exists(op.output, Place("ring", "float", 0, op.output.size, op.state))
            case ir.Constant() if not self.fixed:
                self.constants[op.output.name] = float_steps.finite(op.output.layer, value=op.value)[0]
                self.exists(op.output, Place("table", "float", 0, op.output.size, op.output.name))
            case ScanOp() if not self.fixed:
                steps = op.inputs[0].shape[0]
                how = {"steps": steps, "reverse": op.reverse, "sequences": op.sequences}
                self.step(op.output, Scan(**common, target=self.plan(op.output), body=_Scheduler(op.body).run(), **how))
            case _ if not self.fixed and (part := float_steps.part(op, sources)) is not None:
                self.exists(op.output, part)
            case _ if not self.fixed and (steps := float_steps.steps(op, sources, self.plan(op.output))):
                for step in steps[:-1]:
                    self.steps.append(step)
                self.step(op.output, steps[-1])
            case _:
                numbers = "fixed" if self.fixed else "floating"
                raise CompileError(f"{type(op).__name__} has no {numbers}-point form on mcu", layer=op.output.layer)
        return {op.output.name}

    def _product(self, op: MatMul | Convolution, source: Place) -> set[str]:
        """A product, with what it takes along."""
        readers = self.whole.consumers(op.output)
        alone = len(readers) == 1 and not self.whole.is_output(op.output) and op.output.name not in self.remembered
        reader = readers[0] if alone else None
        end: Op = op
        if not self.fixed:
            fits = isinstance(reader, Unary) and reader.function in get_args(Activation)
            end = reader if fits else op
            activation = reader.function if fits else "linear"
            step = float_steps.product(op, source, self.plan(end.output), activation)
            if isinstance(step, Product) and max(step.weights.shape) > MOST_ELEMENTS:
                raise CompileError(f"more than {MOST_ELEMENTS} inputs or outputs", layer=op.output.layer)
            if work := float_steps.work(step):
                step = replace(step, work=self._reserve("float", work))
        else:
            end, step = self._fixed_product(op, source, reader)
        self.step(end.output, replace(step, name=end.output.name))
        return {op.output.name, end.output.name}

    def _fixed_product(self, op: Op, source: Place, reader: Op | None) -> tuple[Op, Step]:
        layer = op.output.layer
        if not isinstance(op, MatMul) or op.weights.shape[0] != source.size or op.output.shape != op.bias.shape:
            raise CompileError(f"{type(op).__name__} of this shape has no fixed-point form on mcu", layer=layer)
        if max(op.weights.shape) > MOST_ELEMENTS:
            raise CompileError(f"more than {MOST_ELEMENTS} inputs or outputs", layer=layer)
        weights, bias = (np.asarray(a, np.int64) for a in (op.weights, op.bias))
        if source.ctype != "int16_t":
            raise CompileError("its input has more than 16 bits", layer=layer)
        if weights.size and (weights.min() < -(1 << 15) or weights.max() >= 1 << 15):
            raise CompileError("its weights need more than 16 bits", layer=layer)
        common = {"name": op.output.name, "sources": (source,), "weights": weights, "bias": bias}
        if not isinstance(reader, ir.Requantize):
            return op, Product(**common, target=self.plan(op.output), accumulator=self._ctype(op.output))
        wide = self._wide(reader, op.output.format)
        target = self.plan(reader.output)
        return reader, Product(**common, target=target, accumulator=wide, rescale=_rescale(reader))

    def _wide(self, op: ir.Requantize, format: Format) -> CType:
        """The type a requantisation computes in."""
        if self._ctype(op.output) != "int16_t":
            raise CompileError(f"a value of {op.output.format.width} bits, more than 16", layer=op.output.layer)
        width, shift = format.width + (not format.signed), _rescale(op).shift
        for wide in ("int32_t", "int64_t"):
            if width <= (32 if wide == "int32_t" else 64) and shift <= MOST_SHIFT[wide]:
                return wide
        raise CompileError(f"a shift by {op.shift} bits of a {width}-bit accumulator", layer=op.output.layer)

    def _ctype(self, value: Value) -> CType:
        if value.format is None:
            return "float"
        if value.format.lo >= -(1 << 15) and value.format.hi < 1 << 15 and not self._is_accumulator(value):
            return "int16_t"
        width = value.format.width + (not value.format.signed)
        if width > 64:
            raise CompileError(f"a value of {width} bits", layer=value.layer)
        if width > 32 and self.graph.is_output(value):
            raise CompileError(f"an output of {width} bits, more than 32", layer=value.layer)
        return "int32_t" if width <= 32 else "int64_t"

    def _is_accumulator(self, value: Value) -> bool:
        return isinstance(self.graph.producer(value), MatMul)

    def plan(self, value: Value) -> Place:
        """A new buffer for a value."""
        return self._reserve(self._ctype(value), value.size)

    def _reserve(self, ctype: CType, size: int) -> Place:
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


def _rescale(op: ir.Requantize) -> Rescale:
    format = op.inputs[0].format
    shift = effective_shift(op.shift, format.width + (not format.signed), op.lo, op.hi)
    return Rescale(shift, op.rounding, op.lo, op.hi)


def _first_layer(graph: Graph) -> str | None:
    return graph.ops[0].output.layer if graph.ops else None


def _what_states_need(graph: Graph) -> Graph:
    """The graph without outputs, and without the operations that no state depends on."""
    wanted = {state.value.name for state in graph.states}
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if op.output.name in wanted:
            wanted |= {value.name for value in op.inputs}
            kept.append(op)
        elif op.state_read is not None:
            kept.append(op)  # it says that the state is kept
    return replace(graph, outputs=(), output_keys=(), warm_ups=(), ops=tuple(reversed(kept)))
