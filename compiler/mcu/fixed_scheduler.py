"""Scheduling of fixed-point graphs: integers of 16 or 8 bits between operations, sums of 32 or 64."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from compiler.errors import CompileError
from compiler.ir import ops
from compiler.ir.accumulators import is_accumulator
from compiler.ir.graph import Graph
from compiler.ir.movement import MOVEMENTS
from compiler.ir.numerics import Format, effective_shift, signed_width
from compiler.ir.operation import Op
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Value
from compiler.mcu import moving, steps, strides
from compiler.mcu.places import DTYPES, CType, Place
from compiler.mcu.scheduling import MOST_ELEMENTS, Scheduler
from compiler.mcu.steps import Rescale, Step

MOST_SHIFT = {"int32_t": 30, "int64_t": 63}
SHORT: dict[CType, int] = {"int8_t": 8, "int16_t": 16}  # bits


class FixedScheduler(Scheduler):
    """Schedules a stream or frames in fixed point."""

    fixed = True

    def __init__(self, graph: Graph, whole: Graph | None = None) -> None:
        super().__init__(graph, whole)
        self.tables: dict[bytes, str] = {}  # by their entries, what tables are called
        for values, what in ((graph.inputs, "inputs"), (graph.outputs, "outputs")):
            odd = next((value for value in values if self.ctype(value) != self.ctype(values[0])), None)
            if odd is not None:
                raise CompileError(f"its {what} are some of 16 and some of 32 bits", layer=odd.layer)

    @cached_property
    def short(self) -> CType:
        """The type of all values but sums: bytes, where frames have no number and no weight that is wider, and no
        function of a number, whose kernels take 16 bits."""
        made = (op for op in self.whole.ops if not is_accumulator(op) and not isinstance(op, ops.Constant))
        values = (*self.whole.inputs, *(op.output for op in made))
        products = [op for op in self.whole.ops if isinstance(op, ops.MatMul | ops.Convolution)]
        bytes_do = all(_fits(value.format, 8) for value in values) and all(_in_bytes(op.matrix) for op in products)
        bytes_do = bytes_do and not any(isinstance(op, ops.Piecewise | ops.Table) for op in self.whole.ops)
        return "int8_t" if self.whole.mode == "frame" and bytes_do else "int16_t"

    def ctype(self, value: Value) -> CType:
        """The least type that holds the value's format; for sums, one of 32 bits or more."""
        format, made = value.format, self.graph.producer(value)
        if isinstance(made, ops.Constant):
            return "int16_t" if _fits(format, 16) else "int32_t"
        if _fits(format, SHORT[self.short]) and not is_accumulator(made):
            return self.short
        width = format.width + (not format.signed)
        if width > 64:
            raise CompileError(f"a value of {width} bits", layer=value.layer)
        if width > 32 and self.graph.is_output(value):
            raise CompileError(f"an output of {width} bits, more than 32", layer=value.layer)
        return "int32_t" if width <= 32 else "int64_t"

    def open_input(self, value: Value, caller: Place) -> None:
        """The caller's numbers as they are, or, where their format is narrower than their type, clamped to it."""
        if caller.ctype != self.short:
            raise CompileError(f"its input has {value.format.width} bits, more than 16", layer=value.layer)
        if value.format.signed and value.format.width == SHORT[self.short]:
            self.exists(value, caller)
            return
        clamp = Rescale(0, "floor", value.format.lo, value.format.hi)
        target = self.plan(value)
        step = steps.Requantize(name=value.name, sources=(caller,), target=target, rescale=clamp, wide="int32_t")
        self.step(value, step)

    def compute(self, op: Op, sources: tuple[Place, ...]) -> bool:
        """Requantisations, sums, extremes, products of values, constants, and what only moves numbers."""
        name, layer = op.output.name, op.output.layer
        if isinstance(op, ops.Constant):
            self.constants[name] = op.value.astype(DTYPES[self.ctype(op.output)])
            self.exists(op.output, Place("table", self.ctype(op.output), 0, op.output.size, name))
            return True
        if isinstance(op, ops.UnitDelay):
            self.exists(op.output, Place("ring", self.ctype(op.output), 0, op.output.size, op.state))
            return True
        if isinstance(op, MOVEMENTS):
            self._move(op, sources)
            return True
        common = {"name": name, "sources": sources, "target": self.plan(op.output)}
        match op:
            case ops.Requantize():
                how = {"rescale": _rescale(op), "wide": self._wide(op, op.inputs[0].format)}
                step = steps.Requantize(**common, **how)
            case ops.Sum():
                step = steps.Sum(**common, factors=op.factors)
            case ops.Binary():
                if op.function != "multiply":
                    self._demand_short(op)
                elif op.output.format.width > 64:
                    raise CompileError(f"a product of {op.output.format.width} bits", layer=layer)
                walk = moving.few(strides.broadcast(op.shapes, op.output.shape), layer)
                step = steps.Binary(**common, function=op.function, walk=walk)
            case Reduce() | Pool():
                step = self._reduction(op, common)
            case _:
                return False
        self.step(op.output, step)
        return True

    def _reduction(self, op: Reduce | Pool, common: dict) -> Step:
        """Exact sums and extremes of short numbers."""
        (source,), y = common["sources"], op.output
        if source.ctype != self.short or (source.ctype == "int8_t" and self.ctype(y) == "int64_t"):
            raise CompileError("adds up or compares numbers of more than 16 bits", layer=y.layer)
        if isinstance(op, Pool):
            boxes = moving.boxes(op, op.size, op.strides, (1,) * len(op.size), op.padding)
            return steps.Pool(**common, boxes=boxes, channels=y.shape[-1], function=op.function)
        walk = moving.few(strides.reduce(op.inputs[0].shape, op.axes), y.layer)
        return steps.Reduce(**common, function=op.function, walk=walk)

    def _move(self, op: Op, sources: tuple[Place, ...]) -> None:
        if (part := moving.part(op, sources)) is not None:
            self.exists(op.output, part)
            return
        self._demand_short(op)
        target = self.plan(op.output)
        made = moving.moves(op, sources, target)
        if isinstance(op, ops.Concatenate) and all(step.walk.is_run(0) and step.walk.is_run(1) for step in made):
            parts = (replace(target, offset=step.start[1], size=step.source.size) for step in made)
            made = [
                steps.Copy(name=s.name, sources=s.sources, target=part) for s, part in zip(made, parts, strict=True)
            ]
        self.steps += made
        self.exists(op.output, target)

    def _demand_short(self, op: Op) -> None:
        """Refuses values of more than 16 bits."""
        if self.ctype(op.output) != self.short:
            raise CompileError(f"a value of {op.output.format.width} bits, more than 16", layer=op.output.layer)

    def product(self, op: Op, source: Place, reader: Op | None) -> tuple[Op, Step]:
        """A product, or a function of one number, with the requantisation behind it."""
        layer, fused = op.output.layer, self._is_short_rounding(reader)
        if isinstance(op, ops.Piecewise | ops.Table):
            return self._pointwise(op, source, reader)
        if source.ctype != self.short:
            raise CompileError("its input has more than 16 bits", layer=layer)
        bias, weights = np.asarray(op.bias, np.int64), np.asarray(op.matrix, np.int64)
        how: dict = {"stored": "int16_t"}
        if _in_bytes(weights) and self.whole.mode == "frame":
            up = _zeros(weights)
            how = {"stored": "int8_t", "up": up if up.any() else None}
        elif weights.size and (weights.min() < -(1 << 15) or weights.max() >= 1 << 15):
            raise CompileError("its weights need more than 16 bits", layer=layer)
        end = reader if fused else op
        how |= {"accumulator": self.ctype(op.output)}
        if fused:
            how |= {"accumulator": self._wide(reader, op.output.format), "rescale": _rescale(reader)}
        common = {"name": op.output.name, "sources": (source,), "target": self.plan(end.output), "bias": bias, **how}
        if isinstance(op, ops.MatMul):
            return end, self._matmul(layer, op.weights, op.output.size // op.output.shape[-1], common)
        boxes, kernel, depthwise = moving.grouped(op)
        if moving.is_product(boxes, op.groups):
            return end, self._matmul(layer, kernel[0], boxes.positions, common)
        if depthwise:
            return end, steps.Convolution(**common, boxes=boxes, kernel=kernel, depthwise=True)
        if max(kernel.shape[1:]) > MOST_ELEMENTS:
            raise CompileError(f"more than {MOST_ELEMENTS} inputs or outputs", layer=layer)
        work = self.reserve(self.short, kernel.shape[1])
        return end, steps.Convolution(**common, boxes=boxes, kernel=kernel, depthwise=False, work=work)

    def _matmul(self, layer: str, weights: np.ndarray, rows: int, common: dict) -> steps.MatMul:
        if max(weights.shape) > MOST_ELEMENTS:
            raise CompileError(f"more than {MOST_ELEMENTS} inputs or outputs", layer=layer)
        return steps.MatMul(**common, weights=weights, rows=rows)

    def _pointwise(self, op: ops.Piecewise | ops.Table, source: Place, reader: Op | None) -> tuple[Op, Step]:
        if source.ctype != "int16_t":
            raise CompileError("its input has more than 16 bits", layer=op.output.layer)
        common = {"name": op.output.name, "sources": (source,)}
        end = reader if self._is_short_rounding(reader) else op
        common["accumulator"] = self._wide(end, op.output.format) if end is reader else self.ctype(op.output)
        common |= {"target": self.plan(end.output), "rescale": _rescale(end) if end is reader else None}
        if isinstance(op, ops.Piecewise):
            own = {"thresholds": op.thresholds, "slopes": op.slopes, "offsets": op.offsets}
            return end, steps.Piecewise(**common, **own)
        if common["accumulator"] != "int32_t":
            raise CompileError(f"{op.words} whose sums need {op.output.format.width} bits", layer=op.output.layer)
        table = self.tables.setdefault(op.entries.tobytes(), end.output.name)
        own = {"entries": op.entries, "fraction_bits": op.fraction_bits, "symmetry": op.symmetry, "mirror": op.mirror}
        return end, steps.Table(**common, **own, given=op.inputs[0].format, table=table)

    def _is_short_rounding(self, op: Op | None) -> bool:
        return isinstance(op, ops.Requantize) and self.ctype(op.output) == self.short

    def _wide(self, op: ops.Requantize, format: Format) -> CType:
        """The type a requantisation computes in."""
        target = self.ctype(op.output)
        if target not in (self.short, "int32_t"):
            raise CompileError(f"a value of {op.output.format.width} bits, more than 32", layer=op.output.layer)
        width, shift = format.width + (not format.signed), _rescale(op).shift
        for wide in ("int32_t", "int64_t") if target == self.short else ("int64_t",):
            if width <= (32 if wide == "int32_t" else 64) and shift <= MOST_SHIFT[wide]:
                return wide
        raise CompileError(f"a shift by {op.shift} bits of a {width}-bit accumulator", layer=op.output.layer)


def _fits(format: Format, bits: int) -> bool:
    """Whether a signed integer of so many bits holds every number of a format."""
    return format.lo >= -(1 << (bits - 1)) and format.hi < 1 << (bits - 1)


def _zeros(weights: np.ndarray) -> np.ndarray:
    """How many zeros all weights of a column end in, (columns,)."""
    together = np.bitwise_or.reduce(weights, axis=0)
    lowest = together & -together
    return np.array([max(0, int(bit).bit_length() - 1) for bit in lowest], np.int64)


def _in_bytes(weights: np.ndarray) -> bool:
    """Whether weights have 8 bits, but for the zeros that those of a column end in."""
    stored = weights >> _zeros(weights)
    return signed_width(int(stored.min(initial=0)), int(stored.max(initial=0))) <= 8


def _rescale(op: ops.Requantize) -> Rescale:
    format = op.inputs[0].format
    shift = effective_shift(op.shift, format.width + (not format.signed), op.lo, op.hi)
    return Rescale(shift, op.rounding, op.lo, op.hi)
