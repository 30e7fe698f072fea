"""Says whether a graph is one, at a level: what may appear when, and that everything fits together.

A violation is a defect of the compiler, never of the model, so it raises AssertionError.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from compiler.graph import Affine, Convolution, Graph, MatMul, Op, Quantize, Requantize, State, Unary, Value, Window
from compiler.passes.integers import accumulator_width

Level = Literal["lowered", "stream", "float", "integers", "fixed"]

FLOAT = (Window, MatMul, Affine, Unary, Quantize)
FIXED = (Window, MatMul, Requantize)
KINDS: dict[Level, tuple[type[Op], ...]] = {
    "lowered": (Convolution, MatMul, Affine, Unary, Quantize),
    "stream": FLOAT,
    "float": FLOAT,
    "integers": FIXED,
    "fixed": FIXED,
}


def verify(graph: Graph, level: Level) -> None:
    """Checks SSA form, topological order, shapes, states, formats, kinds of operations and of numbers.

    Raises:
        AssertionError: Saying which value is wrong, and why.
    """
    fixed = level in ("integers", "fixed")
    _check(graph.mode == ("frame" if level == "lowered" else "stream"), graph.name, f"a {graph.mode} graph")
    known: dict[str, Value] = {}
    for value in graph.inputs:
        _check(value.name not in known, value.name, "defined twice")
        _check((value.format is not None) == fixed, value.name, f"format {value.format}")
        known[value.name] = value
    for state in graph.states:
        _check(state.length > 0 and state.initial.shape == state.value.shape, state.name, "an odd state")
    _check(len({state.name for state in graph.states}) == len(graph.states), graph.name, "states share a name")
    for op in graph.ops:
        name = op.output.name
        _check(isinstance(op, KINDS[level]), name, f"{type(op).__name__} at level {level}")
        _check(name not in known, name, "defined twice")
        for value in op.inputs:
            _check(known.get(value.name) == value, name, f"reads {value.name} before or unlike its definition")
        _check((op.output.format is not None) == fixed, name, f"format {op.output.format}")
        _check_op(graph, op, level)
        known[name] = op.output
    for value in [*graph.outputs, *(state.value for state in graph.states)]:
        _check(known.get(value.name) == value, value.name, "is not what an operation computes")


def _check_op(graph: Graph, op: Op, level: Level) -> None:
    (x,), y, name = op.inputs, op.output, op.output.name
    match op:
        case Window():
            state = graph.state(op.state)
            _check(state.value.name == x.name, name, f"reads {x.name} through the state of {state.value.name}")
            _check(state.length >= (op.taps - 1) * op.dilation, name, "reaches beyond its state")
            _check(y.shape == (op.taps, *x.shape) and y.format == x.format, name, f"shape {y.shape}")
            _check_initial(state, level)
        case MatMul():
            rows = x.size if graph.mode == "stream" else x.shape[-1]
            _check(op.weights.shape == (rows, y.shape[-1]), name, f"weights {op.weights.shape} on {x.shape}")
            _check(op.bias.shape == y.shape[-1:], name, f"bias {op.bias.shape}")
            _check_numbers(name, level, op.weights, op.bias)
            if level == "fixed":
                _check(accumulator_width(graph, op) <= y.format.width, name, f"{y.format} may overflow")
                _check(y.format.fraction == x.format.fraction + op.weights_format.fraction, name, "loses the point")
        case Convolution():
            _check(op.kernel.shape[1:] == (x.shape[-1], y.shape[-1]), name, f"kernel {op.kernel.shape}")
        case Affine():
            _check(op.scale.shape == op.shift.shape == x.shape[-1:], name, f"scale {op.scale.shape}")
            _check_numbers(name, level, op.scale, op.shift)
        case Requantize():
            _check(x.format.fraction - op.shift == y.format.fraction, name, "loses the point")
            _check(y.format.lo <= op.lo <= op.hi <= y.format.hi, name, f"clamps to [{op.lo}, {op.hi}] in {y.format}")
    if isinstance(op, Affine | Unary | Quantize | Requantize):
        _check(x.shape == y.shape, name, f"shape {y.shape} of {x.shape}")


def _check_numbers(name: str, level: Level, *arrays: np.ndarray) -> None:
    kind = {"lowered": np.float64, "stream": np.float64, "float": np.float32}.get(level, np.int64)
    for array in arrays:
        _check(array.dtype == kind, name, f"numbers of type {array.dtype} at level {level}")


def _check_initial(state: State, level: Level) -> None:
    _check_numbers(state.name, level, state.initial)


def _check(condition: bool, name: str, what: str) -> None:
    if not condition:
        raise AssertionError(f"graph: {name}: {what}")
