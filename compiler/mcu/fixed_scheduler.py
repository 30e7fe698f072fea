"""Scheduling of fixed-point graphs: integers of 16 bits between operations, sums of 32 or 64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import ops
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format, effective_shift
from compiler.ir.operation import Op
from compiler.ir.values import Value
from compiler.mcu import steps, strides
from compiler.mcu.scheduling import MOST_ELEMENTS, Scheduler
from compiler.mcu.steps import CType, Place, Rescale, Step

MOST_SHIFT = {"int32_t": 30, "int64_t": 63}


class FixedScheduler(Scheduler):
    """Schedules a stream in fixed point."""

    fixed = True

    def __init__(self, graph: Graph, whole: Graph | None = None) -> None:
        super().__init__(graph, whole)
        self.tables: dict[bytes, str] = {}  # by their entries, what tables are called
        if graph.mode != "stream":
            layer = graph.ops[0].output.layer if graph.ops else None
            raise CompileError("only models that stream compile for mcu in fixed point", layer=layer)
        for values, what in ((graph.inputs, "inputs"), (graph.outputs, "outputs")):
            odd = next((value for value in values if self.ctype(value) != self.ctype(values[0])), None)
            if odd is not None:
                raise CompileError(f"its {what} are some of 16 and some of 32 bits", layer=odd.layer)

    def ctype(self, value: Value) -> CType:
        """The least type that holds the value's format; for sums, one of 32 bits or more."""
        format, made = value.format, self.graph.producer(value)
        summed = isinstance(made, ops.MatMul | ops.Sum | ops.Piecewise | ops.Table) or (
            isinstance(made, ops.Binary) and made.function == "multiply"
        )
        if format.lo >= -(1 << 15) and format.hi < 1 << 15 and not summed:
            return "int16_t"
        width = format.width + (not format.signed)
        if width > 64:
            raise CompileError(f"a value of {width} bits", layer=value.layer)
        if width > 32 and self.graph.is_output(value):
            raise CompileError(f"an output of {width} bits, more than 32", layer=value.layer)
        return "int32_t" if width <= 32 else "int64_t"

    def open_input(self, value: Value, caller: Place) -> None:
        """The caller's sample as it is, or, where its format is narrower than its type, clamped to that format."""
        if (value.format.lo, value.format.hi) == (-(1 << 15), (1 << 15) - 1):
            self.exists(value, caller)
            return
        if caller.ctype != "int16_t":
            raise CompileError(f"its input has {value.format.width} bits, more than 16", layer=value.layer)
        clamp = Rescale(0, "floor", value.format.lo, value.format.hi)
        target = self.plan(value)
        step = steps.Requantize(name=value.name, sources=(caller,), target=target, rescale=clamp, wide="int32_t")
        self.step(value, step)

    def compute(self, op: Op, sources: tuple[Place, ...]) -> bool:
        """Requantisations, sums, and what picks from several values."""
        common = {"name": op.output.name, "sources": sources}
        match op:
            case ops.Requantize():
                how = {"rescale": _rescale(op), "wide": self._wide(op, op.inputs[0].format)}
                step = steps.Requantize(**common, target=self.plan(op.output), **how)
            case ops.Sum():
                step = steps.Sum(**common, target=self.plan(op.output), factors=op.factors)
            case ops.Binary(function="multiply"):
                wide = next((value for value in op.inputs if self.ctype(value) != "int16_t"), None)
                if wide or self.ctype(op.output) != "int32_t":
                    raise CompileError("multiplies values of more than 16 bits", layer=op.output.layer)
                walk = strides.broadcast(op.shapes, op.output.shape)
                step = steps.Binary(**common, target=self.plan(op.output), function=op.function, walk=walk)
            case ops.Binary():
                self._demand_short(op)
                walk = strides.broadcast(op.shapes, op.output.shape)
                step = steps.Binary(**common, target=self.plan(op.output), function=op.function, walk=walk)
            case ops.Concatenate():
                self._demand_short(op)
                self._concatenate(op, sources)
                return True
            case _:
                return False
        self.step(op.output, step)
        return True

    def _concatenate(self, op: ops.Concatenate, sources: tuple[Place, ...]) -> None:
        target, offset = self.plan(op.output), 0
        for source in sources:
            part = replace(target, offset=offset, size=source.size)
            self.steps.append(steps.Copy(name=op.output.name, sources=(source,), target=part))
            offset += source.size
        self.exists(op.output, target)

    def _demand_short(self, op: Op) -> None:
        """Refuses values of more than 16 bits."""
        if self.ctype(op.output) != "int16_t":
            raise CompileError(f"a value of {op.output.format.width} bits, more than 16", layer=op.output.layer)

    def product(self, op: Op, source: Place, reader: Op | None) -> tuple[Op, Step]:
        """A product, or a function of one number, with the requantisation behind it."""
        layer = op.output.layer
        if isinstance(op, ops.Piecewise | ops.Table):
            return self._pointwise(op, source, reader)
        if not isinstance(op, ops.MatMul) or op.weights.shape[0] != source.size or op.output.shape != op.bias.shape:
            raise CompileError(f"{op.words} of this shape has no fixed-point form on mcu", layer=layer)
        if max(op.weights.shape) > MOST_ELEMENTS:
            raise CompileError(f"more than {MOST_ELEMENTS} inputs or outputs", layer=layer)
        weights, bias = (np.asarray(a, np.int64) for a in (op.weights, op.bias))
        if source.ctype != "int16_t":
            raise CompileError("its input has more than 16 bits", layer=layer)
        if weights.size and (weights.min() < -(1 << 15) or weights.max() >= 1 << 15):
            raise CompileError("its weights need more than 16 bits", layer=layer)
        common = {"name": op.output.name, "sources": (source,), "weights": weights, "bias": bias}
        if not isinstance(reader, ops.Requantize):
            return op, steps.MatMul(**common, target=self.plan(op.output), accumulator=self.ctype(op.output))
        wide = self._wide(reader, op.output.format)
        target = self.plan(reader.output)
        return reader, steps.MatMul(**common, target=target, accumulator=wide, rescale=_rescale(reader))

    def _pointwise(self, op: ops.Piecewise | ops.Table, source: Place, reader: Op | None) -> tuple[Op, Step]:
        if source.ctype != "int16_t":
            raise CompileError("its input has more than 16 bits", layer=op.output.layer)
        common = {"name": op.output.name, "sources": (source,)}
        end = reader if isinstance(reader, ops.Requantize) else op
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

    def _wide(self, op: ops.Requantize, format: Format) -> CType:
        """The type a requantisation computes in."""
        if self.ctype(op.output) != "int16_t":
            raise CompileError(f"a value of {op.output.format.width} bits, more than 16", layer=op.output.layer)
        width, shift = format.width + (not format.signed), _rescale(op).shift
        for wide in ("int32_t", "int64_t"):
            if width <= (32 if wide == "int32_t" else 64) and shift <= MOST_SHIFT[wide]:
                return wide
        raise CompileError(f"a shift by {op.shift} bits of a {width}-bit accumulator", layer=op.output.layer)


def _rescale(op: ops.Requantize) -> Rescale:
    format = op.inputs[0].format
    shift = effective_shift(op.shift, format.width + (not format.signed), op.lo, op.hi)
    return Rescale(shift, op.rounding, op.lo, op.hi)
