"""Says whether a graph is one, at a level: what may appear when, and that everything fits together.

A violation is a defect of the compiler, never of the model, so it raises AssertionError.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Literal

import numpy as np

from compiler.ir.accumulators import accumulator_width
from compiler.ir.graph import Graph
from compiler.ir.ops import (
    KINDS,
    Affine,
    Concatenate,
    Convolution,
    MatMul,
    Op,
    Quantize,
    Recall,
    Requantize,
    Reshape,
    Scan,
    Unary,
    Window,
)
from compiler.ir.values import Value

Level = Literal["lowered", "stream", "float", "integers", "fixed"]

FIXED = (Window, MatMul, Requantize)
NOT_IN_STREAMS = (Convolution, Scan)
NOT_IN_FRAMES = (Window, Recall)


def verify(graph: Graph, level: Level, *, body: bool = False) -> None:
    """Checks SSA form, topological order, shapes, states, formats, kinds of operations and of numbers.

    Args:
        body: Whether it is the body of a Scan, whose elements may be frames themselves.

    Raises:
        AssertionError: Saying which value is wrong, and why.
    """
    fixed = level in ("integers", "fixed")
    wanted = {"lowered": ("frame",), "float": ("frame", "stream")}.get(level, ("stream",))
    _check(graph.mode in wanted, graph.name, f"a {graph.mode} graph")
    known: dict[str, Value] = {}
    for value in graph.inputs:
        _check(value.name not in known, value.name, "defined twice")
        _check((value.format is not None) == fixed, value.name, f"format {value.format}")
        known[value.name] = value
    for name in graph.controls:
        _check(name in known and graph.mode == "stream" and not fixed, name, "cannot be a control")
    for state in graph.states:
        _check(state.length > 0 and state.initial.shape == state.value.shape, state.name, "an odd state")
        _check_numbers(state.name, level, state.initial)
    _check(len({state.name for state in graph.states}) == len(graph.states), graph.name, "states share a name")
    forbidden = NOT_IN_FRAMES if graph.mode == "frame" else () if body else NOT_IN_STREAMS
    kinds = FIXED if fixed else tuple(kind for kind in KINDS.values() if kind not in (*forbidden, Requantize))
    for op in graph.ops:
        name = op.output.name
        _check(isinstance(op, kinds), name, f"{type(op).__name__} at level {level}")
        _check(name not in known, name, "defined twice")
        for value in op.inputs:
            _check(known.get(value.name) == value, name, f"reads {value.name} before or unlike its definition")
        _check((op.output.format is not None) == fixed, name, f"format {op.output.format}")
        if graph.mode == "stream" or level == "float":
            _check(None not in op.output.shape, name, f"shape {op.output.shape}")
        _check_numbers(name, level, *_arrays(op))
        _check_op(graph, op, level)
        known[name] = op.output
    _check(len(graph.warm_ups) == len(graph.outputs), graph.name, f"{len(graph.warm_ups)} warm-ups")
    for value in [*graph.outputs, *(state.value for state in graph.states)]:
        _check(known.get(value.name) == value, value.name, "is not what an operation computes")


def _check_op(graph: Graph, op: Op, level: Level) -> None:
    x, y, name = op.inputs[0] if op.inputs else None, op.output, op.output.name
    match op:
        case Window():
            state = graph.state(op.state)
            _check(state.value.name == x.name, name, f"reads {x.name} through the state of {state.value.name}")
            _check(state.length >= op.reach, name, "reaches beyond its state")
            _check(y.shape == (op.taps, *x.shape) and y.format == x.format, name, f"shape {y.shape}")
        case Recall():
            state = graph.state(op.state)
            _check(state.length == 1 and y.shape == state.value.shape, name, f"recalls {state.name}")
        case MatMul():
            rows, columns = op.weights.shape
            kept = len(y.shape) - 1
            _check(x.shape[:kept] == y.shape[:-1], name, f"shape {y.shape} of {x.shape}")
            _check(np.prod(x.shape[kept:]) == rows and columns == y.shape[-1], name, f"weights {op.weights.shape}")
            _check(op.bias.shape == (columns,), name, f"bias {op.bias.shape}")
            if level == "fixed":
                _check(accumulator_width(graph, op) <= y.format.width, name, f"{y.format} may overflow")
                _check(y.format.fraction == x.format.fraction + op.weights_format.fraction, name, "loses the point")
        case Convolution():
            channels, filters = op.kernel.shape[-2:]
            _check(op.kernel.ndim - 1 == len(x.shape) == len(y.shape), name, f"kernel {op.kernel.shape} on {x.shape}")
            _check((channels * op.groups, filters) == (x.shape[-1], y.shape[-1]), name, f"kernel {op.kernel.shape}")
            _check(len(op.strides) == len(op.dilation) == len(op.padding) == len(x.shape) - 1, name, "strides")
        case Affine():
            _check(op.scale.shape == op.shift.shape == x.shape[-1:], name, f"scale {op.scale.shape}")
        case Reshape():
            unknown = None in x.shape or None in y.shape
            _check(unknown or np.prod(x.shape) == np.prod(y.shape), name, f"shape {y.shape} of {x.shape}")
        case Concatenate():
            total = [value.shape[op.axis] for value in op.inputs]
            _check(None in total or sum(total) == y.shape[op.axis], name, f"shape {y.shape}")
        case Scan():
            verify(op.body, "stream" if level == "lowered" else level, body=True)
            _check(op.body.inputs[0].shape == x.shape[1:], name, f"body of {op.body.inputs[0].shape} on {x.shape}")
        case Requantize():
            _check(x.format.fraction - op.shift == y.format.fraction, name, "loses the point")
            _check(y.format.lo <= op.lo <= op.hi <= y.format.hi, name, f"clamps to [{op.lo}, {op.hi}] in {y.format}")
    if isinstance(op, Affine | Unary | Quantize | Requantize):
        _check(x.shape == y.shape, name, f"shape {y.shape} of {x.shape}")


def _arrays(op: Op) -> list[np.ndarray]:
    return [value for f in fields(op) if isinstance(value := getattr(op, f.name), np.ndarray)]


def _check_numbers(name: str, level: Level, *arrays: np.ndarray) -> None:
    kind = {"lowered": np.float64, "stream": np.float64, "float": np.float32}.get(level, np.int64)
    for array in arrays:
        _check(array.dtype == kind, name, f"numbers of type {array.dtype} at level {level}")


def _check(condition: bool, name: str, what: str) -> None:
    if not condition:
        raise AssertionError(f"graph: {name}: {what}")
