"""Stream graph -> schedule: the steps of one sample, where each value lies, and how long.

A product takes the activation or requantisation behind it along when nothing else reads its sums. A ring is
filled as soon as its last window has been gathered, so that it holds the past only. Values share memory when
their lives do not overlap.
"""

from __future__ import annotations

import numpy as np

from compiler import ops as ir
from compiler.errors import CompileError
from compiler.graph import Graph, Value
from compiler.mcu.memory import assign
from compiler.mcu.steps import (
    Activate,
    Compute,
    CType,
    Gather,
    Place,
    Product,
    Push,
    Requantize,
    Rescale,
    Ring,
    RoundToGrid,
    ScaleShift,
    Schedule,
    Step,
    Traced,
)
from compiler.numerics import Format
from compiler.ops import MatMul, Op, Unary, Window

MOST_ELEMENTS = 65535  # CMSIS-DSP counts rows and columns in 16 bits
MOST_SHIFT = {"int32_t": 30, "int64_t": 62}


def schedule(graph: Graph) -> Schedule:
    """The schedule of a stream graph with one input and one output.

    Raises:
        CompileError: Naming the first layer that this target cannot compute.
    """
    return _Scheduler(graph).run()


class _Scheduler:
    def __init__(self, graph: Graph) -> None:
        if graph.mode != "stream":
            raise CompileError("only models that stream compile for mcu", layer=_first_layer(graph))
        for values, what in ((graph.inputs, "inputs"), (graph.outputs, "outputs")):
            if len(values) != 1:
                layer = values[1].layer if len(values) > 1 else None
                raise CompileError(f"{len(values)} {what}; on mcu a model has one", layer=layer)
        self.graph = graph
        self.source, self.result = graph.inputs[0], graph.outputs[0]
        self.fixed = self.source.format is not None
        self.steps: list[Step] = []
        self.values: list[Traced] = []
        self.places: dict[str, Place] = {}
        self.rings: dict[str, Ring] = {}
        self.planned = 0

    def run(self) -> Schedule:
        graph = self.graph
        for value in (self.source, *(op.output for op in graph.ops)):
            if (value.format is not None) != self.fixed:
                raise CompileError(f"{value.name} mixes integers and floating point", layer=value.layer)
        self._open_input()
        last = self._last_windows()
        done: set[str] = set()
        for index, op in enumerate(graph.ops):
            if op.output.name not in done:
                done |= self._add(op)
            for state in graph.states:
                if last.get(state.name) == index:
                    present = self.places[state.value.name]
                    self.steps.append(Push(name=state.name, source=present, ring=self.rings[state.name]))
        steps, values, scratch = assign(
            self.steps, self.values, self.places[self.result.name], self._ctype(self.result)
        )
        return Schedule(
            source=Place("in", self._ctype(self.source), 0, self.source.size),
            result=Place("out", self._ctype(self.result), 0, self.result.size),
            in_fraction=self.source.format.fraction if self.source.format else 0,
            out_fraction=self.result.format.fraction if self.result.format else 0,
            rings=tuple(self.rings.values()),
            steps=steps,
            values=values,
            scratch=scratch,
            receptive_field=graph.receptive_field,
        )

    def _open_input(self) -> None:
        """The caller's sample as it is, or, where its format is narrower than its type, clamped to that format."""
        value, ctype = self.source, self._ctype(self.source)
        caller = Place("in", ctype, 0, value.size)
        if value.format and (value.format.lo, value.format.hi) != (-(1 << 15), (1 << 15) - 1):
            if ctype != "int16_t":
                raise CompileError(f"its input has {value.format.width} bits, more than 16", layer=value.layer)
            clamp = Rescale(0, "floor", value.format.lo, value.format.hi)
            target = self._plan(value)
            self.steps.append(Requantize(name=value.name, source=caller, target=target, rescale=clamp, wide="int32_t"))
            self._exists(value, target)
        else:
            self._exists(value, caller)

    def _last_windows(self) -> dict[str, int]:
        """For each state that needs a ring, the index of the last operation that reads it; makes the rings."""
        last: dict[str, int] = {}
        for index, op in enumerate(self.graph.ops):
            if not isinstance(op, Window) or op.taps == 1:
                continue
            last[op.state] = index
            state, ctype = self.graph.state(op.state), self._ctype(op.inputs[0])
            if (op.taps - 1) * op.dilation > state.length:
                raise CompileError(f"a window reaches past its state {state.name}", layer=op.output.layer)
            if ctype not in ("float", "int16_t"):
                raise CompileError("keeps samples of more than 16 bits", layer=op.output.layer)
            initial = np.broadcast_to(state.initial, (op.inputs[0].size,))
            initial = initial.astype(np.float32 if ctype == "float" else np.int64)
            self.rings.setdefault(op.state, Ring(state.name, ctype, op.inputs[0].size, state.length, initial))
        return last

    def _add(self, op: Op) -> set[str]:
        """The steps of one operation; the names of the values that exist now."""
        (x,) = op.inputs
        layer, source = op.output.layer, self.places[x.name]
        common = {"name": op.output.name, "source": source}
        match op:
            case Window(taps=1):
                self._exists(op.output, source)
            case Window():
                ring = self.rings[op.state]
                self._step(
                    op, Gather(**common, target=self._plan(op.output), ring=ring, taps=op.taps, dilation=op.dilation)
                )
            case MatMul():
                return self._product(op, source)
            case ir.Affine() if not self.fixed:
                scale, shift = (np.resize(np.asarray(a, np.float32), x.size) for a in (op.scale, op.shift))
                self._finite(layer, scale=scale, shift=shift)
                self._step(op, ScaleShift(**common, target=self._plan(op.output), scale=scale, shift=shift))
            case Unary() if not self.fixed:
                self._step(op, Activate(**common, target=self._plan(op.output), function=op.function))
            case ir.Quantize() if not self.fixed:
                self._grid(op)
                fraction, rounding = op.format.fraction, op.rounding
                target = self._plan(op.output)
                self._step(
                    op, RoundToGrid(**common, target=target, fraction=fraction, rounding=rounding, lo=op.lo, hi=op.hi)
                )
            case ir.Requantize() if self.fixed:
                wide = self._wide(op, x.format)
                self._step(op, Requantize(**common, target=self._plan(op.output), rescale=_rescale(op), wide=wide))
            case _:
                numbers = "fixed" if self.fixed else "floating"
                raise CompileError(f"{type(op).__name__} has no {numbers}-point form on mcu", layer=layer)
        return {op.output.name}

    def _product(self, op: MatMul, source: Place) -> set[str]:
        (x,) = op.inputs
        layer = op.output.layer
        if op.weights.ndim != 2 or op.weights.shape[0] != x.size or op.bias.shape != op.weights.shape[1:]:
            raise CompileError(f"weights of shape {op.weights.shape} for {x.size} inputs", layer=layer)
        if max(op.weights.shape) > MOST_ELEMENTS:
            raise CompileError(f"more than {MOST_ELEMENTS} inputs or outputs", layer=layer)
        readers = self.graph.consumers(op.output)
        reader = readers[0] if len(readers) == 1 and not self.graph.is_output(op.output) else None
        common = {"source": source}
        if not self.fixed:
            weights, bias = (np.asarray(a, np.float32) for a in (op.weights, op.bias))
            self._finite(layer, weights=weights, bias=bias)
            end = reader if isinstance(reader, Unary) else op
            activation = reader.function if isinstance(reader, Unary) else "linear"
            common |= {"accumulator": "float", "activation": activation}
        else:
            weights, bias = (np.asarray(a, np.int64) for a in (op.weights, op.bias))
            if source.ctype != "int16_t":
                raise CompileError("its input has more than 16 bits", layer=layer)
            if weights.size and (weights.min() < -(1 << 15) or weights.max() >= 1 << 15):
                raise CompileError("its weights need more than 16 bits", layer=layer)
            end = reader if isinstance(reader, ir.Requantize) else op
            if end is op:
                common |= {"accumulator": self._ctype(op.output)}
            else:
                common |= {"accumulator": self._wide(reader, op.output.format), "rescale": _rescale(reader)}
        step = Product(name=end.output.name, target=self._plan(end.output), weights=weights, bias=bias, **common)
        self._step(end, step)
        return {op.output.name, end.output.name}

    def _wide(self, op: ir.Requantize, format: Format) -> CType:
        """The type a requantisation computes in."""
        if self._ctype(op.output) != "int16_t":
            raise CompileError(f"a value of {op.output.format.width} bits, more than 16", layer=op.output.layer)
        width = max(format.width + (not format.signed) + max(0, -op.shift), 16)
        for wide in ("int32_t", "int64_t"):
            if width <= (32 if wide == "int32_t" else 64) and op.shift <= MOST_SHIFT[wide]:
                return wide
        raise CompileError(f"a shift by {op.shift} bits of a {width}-bit accumulator", layer=op.output.layer)

    def _grid(self, op: ir.Quantize) -> None:
        if not -126 <= op.format.fraction <= 126 or max(-op.lo, op.hi) > 1 << 24:
            raise CompileError(f"a grid of {op.format}, finer than a float can hold", layer=op.output.layer)

    def _finite(self, layer: str, **arrays: np.ndarray) -> None:
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise CompileError(f"its {name} is not finite in 32-bit floating point", layer=layer)

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

    def _plan(self, value: Value) -> Place:
        self.planned += 1
        return Place("planned", self._ctype(value), self.planned, value.size)

    def _step(self, op: Op, step: Compute) -> None:
        self.steps.append(step)
        self._exists(op.output, step.target)

    def _exists(self, value: Value, place: Place) -> None:
        self.places[value.name] = place
        self.values.append(Traced(value.name, tuple(value.shape), place, len(self.steps) - 1))


def _rescale(op: ir.Requantize) -> Rescale:
    return Rescale(op.shift, op.rounding, op.lo, op.hi)


def _first_layer(graph: Graph) -> str | None:
    return graph.ops[0].output.layer if graph.ops else None
