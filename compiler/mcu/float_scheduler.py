"""Scheduling of float graphs: float_steps.py makes the steps of an operation, this puts them into memory."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from compiler.errors import CompileError
from compiler.ir import graph as graphs
from compiler.ir import ops
from compiler.ir.operation import Op
from compiler.ir.values import Value
from compiler.mcu import float_steps, moving, steps
from compiler.mcu.places import CType, Place
from compiler.mcu.schedule import Scan
from compiler.mcu.scheduling import MOST_ELEMENTS, Scheduler
from compiler.mcu.steps import Activation, Step


class FloatScheduler(Scheduler):
    """Schedules a stream, frames, or the body of a scan."""

    fixed = False

    def ctype(self, value: Value) -> CType:
        """Of every value."""
        del value
        return "float"

    def open_input(self, value: Value, caller: Place) -> None:
        """The caller's numbers as they are."""
        self.exists(value, caller)

    def product(self, op: ops.MatMul | ops.Convolution, source: Place, reader: Op | None) -> tuple[Op, Step]:
        """A product, with the activation behind it, if it is one that a product can end with."""
        fits = isinstance(reader, ops.Unary) and reader.function in get_args(Activation)
        end, activation = (reader, reader.function) if fits else (op, "linear")
        step = float_steps.product(op, source, self.plan(end.output), activation)
        if isinstance(step, steps.MatMul) and max(step.weights.shape) > MOST_ELEMENTS:
            raise CompileError(f"more than {MOST_ELEMENTS} inputs or outputs", layer=op.output.layer)
        if work := float_steps.work(step):
            step = replace(step, work=self.reserve("float", work))
        return end, step

    def compute(self, op: Op, sources: tuple[Place, ...]) -> bool:
        """What only looks at memory is a place; all else is steps."""
        name, size = op.output.name, op.output.size
        match op:
            case ops.UnitDelay():
                self.exists(op.output, Place("ring", "float", 0, size, op.state))
            case ops.Constant():
                self.constants[name] = float_steps.finite(op.output.layer, value=op.value)[0]
                self.exists(op.output, Place("table", "float", 0, size, name))
            case graphs.Scan():
                body, count = FloatScheduler(op.body).run(), op.inputs[0].shape[0]
                how = {"body": body, "steps": count, "reverse": op.reverse, "sequences": op.sequences}
                self.step(op.output, Scan(name=name, sources=sources, target=self.plan(op.output), **how))
            case _ if (part := moving.part(op, sources)) is not None:
                self.exists(op.output, part)
            case _:
                made = float_steps.steps_of(op, sources, self.plan(op.output))
                self.steps += made[:-1]
                for last in made[-1:]:
                    self.step(op.output, last)
                return bool(made)
        return True
