"""Makes operations for a layer: in the model's graph, or in the body of a Scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import Graph, Scan
from compiler.ir.operation import Op, ShapeError
from compiler.ir.ops import Constant, UnitDelay
from compiler.ir.values import State, Value
from compiler.names import Namer, build_name


class Builder:
    """Collects operations; `name` is the Keras layer that their values belong to.

    Args:
        within: The builder of the model that a layer belongs to, whose operations it adds to.
    """

    name: str

    def __init__(self, within: Builder | None = None, *, name: str = "") -> None:
        self.namer: Namer = within.namer if within else Namer()
        self.ops: list[Op] = within.ops if within else []
        self.conditions: set[str] = within.conditions if within else set()  # names of values that are 0 or 1 alone
        self.batch: int | None = within.batch if within else None  # how many frames a call has, where the file says so
        # Names of values of which the batch, of one frame, is no longer the first axis.
        self.unbatched: set[str] = within.unbatched if within else set()
        # The steps of values that count, where not all do, by the value's name; None where nobody knows them.
        self.masks: dict[str, Value | None] = within.masks if within else {}
        self.notes: list[str] = within.notes if within else []
        self.name = name
        self.states: list[State] = []

    def value(self, shape: Sequence[int | None], suffix: str = "") -> Value:
        """A new value of this layer.

        Raises:
            CompileError: It would take more memory than a model may.
        """
        limits.check_shape(shape, self.name)
        return Value(self.namer(self.name + suffix), tuple(shape), self.name)

    def emit(
        self,
        kind: type[Op],
        inputs: Value | Sequence[Value],
        *,
        shape: Sequence[int | None] = (),
        suffix: str = "",
        **attributes: Any,
    ) -> Value:
        """Appends an operation and returns its output, whose shape the operation knows.

        Args:
            shape: The output's where nothing else says it: that of a Reshape, and of a UnitDelay.

        Raises:
            CompileError: Its inputs and attributes do not go together.
        """
        sources = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
        op = kind(inputs=sources, output=self.value(shape, suffix), **attributes)
        try:
            output = replace(op.output, shape=op.output_shape())
        except ShapeError as error:
            raise CompileError(f"it does not fit its input: {error}", layer=self.name) from None
        limits.check_shape(output.shape, self.name)
        self.ops.append(replace(op, output=output))
        return output

    def constant(self, array: np.ndarray, suffix: str = "_constant") -> Value:
        """An array as a value."""
        array = np.asarray(array, np.float64)
        return self.emit(Constant, (), suffix=suffix, value=array)

    def unit_delay(self, initial: np.ndarray, suffix: str = "_before") -> tuple[Value, Callable[[Value], None]]:
        """In the body of a Scan: what a value was one step ago, and a function that says of which value.

        Args:
            initial: What it was before the first step, in the value's shape.
        """
        name = self.namer(f"{self.name}{suffix}_state")
        before = self.emit(UnitDelay, (), shape=np.shape(initial), suffix=suffix, state=name)

        def remember(value: Value) -> None:
            self.states.append(State(name, value, 1, np.asarray(initial, np.float64)))

        return before, remember

    def scan(
        self,
        x: Value,
        step: Callable[[Builder, Value], Value],
        *,
        initial: Sequence[Value] = (),
        reverse: bool = False,
        sequences: bool = True,
        stateful: bool = False,
    ) -> Value:
        """Runs `step` along the first axis of x, from reset.

        Args:
            step: Given a builder and one element of x, emits the body there and returns its output.
            initial: What the states begin from, in the order in which `step` makes them; zeros where there is none.
            reverse, sequences, stateful: As in `Scan`.
        """
        body = Builder(name=self.name)
        element = body.value(x.shape[1:], "_element")
        output = step(body, element)
        graph = Graph(build_name(self.name), "stream", (element,), (output,), tuple(body.ops), tuple(body.states))
        how = {"reverse": reverse, "sequences": sequences, "stateful": stateful}
        return self.emit(Scan, (x, *initial), body=graph, **how)
