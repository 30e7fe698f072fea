"""Says whether a graph is one, at a level: what may appear when, and that everything fits together.

It is total: it knows every kind of operation, and refuses what it does not know. A violation is a defect of the
compiler, never of the model, so it raises AssertionError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from compiler.ir.accumulators import accumulator_width, given_interval, interval, is_accumulator
from compiler.ir.graph import KINDS, Graph, Scan
from compiler.ir.movement import MOVEMENTS, Pad
from compiler.ir.numerics import Format
from compiler.ir.operation import Op, ShapeError
from compiler.ir.ops import (
    Binary,
    Constant,
    Convolution,
    MatMul,
    Piecewise,
    Quantize,
    Requantize,
    Sum,
    Table,
    UnitDelay,
    Window,
)
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import State, Value

Level = Literal["lowered", "stream", "float", "integers", "fixed"]


@dataclass(frozen=True)
class _Rules:
    """What holds at a level.

    Args:
        modes: Of the graph.
        integers: Whether values are integers in a format, and not floating point.
        dtype: Of every array.
        sized: Whether every axis is of known length.
    """

    modes: tuple[str, ...]
    integers: bool
    dtype: type[np.generic]
    sized: bool


RULES: dict[str, _Rules] = {
    "lowered": _Rules(("frame",), False, np.float64, sized=False),
    "stream": _Rules(("stream",), False, np.float64, sized=True),
    "float": _Rules(("frame", "stream"), False, np.float32, sized=True),
    "integers": _Rules(("frame", "stream"), True, np.int64, sized=True),
    "fixed": _Rules(("frame", "stream"), True, np.int64, sized=True),
}
assert tuple(RULES) == get_args(Level)


def verify(graph: Graph, level: Level, *, body: bool = False) -> None:
    """Checks SSA form, topological order, names, shapes, states, formats, kinds of operations and of numbers.

    Args:
        body: Whether it is the body of a Scan, whose elements may be frames themselves.

    Raises:
        AssertionError: Saying which value is wrong, and why.
    """
    rules = RULES[level]
    _check(graph.mode in rules.modes, graph.name, "a", graph.mode, "graph at level", level)
    _check(body or (graph.name.isascii() and graph.name.isidentifier()), graph.name, "is no identifier")
    _check_head(graph, rules)
    kinds = _kinds(graph.mode, rules, body)
    known: dict[str, Value] = {}
    for value in graph.inputs:
        _check_value(value, known, rules)
        _check(level != "fixed" or value.interval == given_interval(value), value.name, "is not in", value.interval)
    _check_states(graph, rules)
    for op in graph.ops:
        name = op.output.name
        _check(type(op) in kinds, name, type(op).__name__, "at level", level)
        _check(op.arity is None or len(op.inputs) == op.arity, name, "reads", len(op.inputs), "values")
        _check(op.arity is not None or len(op.inputs) > 0, name, "reads nothing")
        for value in op.inputs:
            there = known.get(value.name)
            _check(there is value or there == value, name, "reads", value.name, "before or unlike its definition")
        _check_value(op.output, known, rules)
        _check_shape(op)
        _check_numbers(name, rules, op.attributes(), op.whole)
        _check_kind(graph, op, level)
        _check(level != "fixed" or op.output.interval == interval(graph, op), name, "is not in", op.output.interval)
    for value in [*graph.outputs, *(state.value for state in graph.states)]:
        _check(known.get(value.name) == value, value.name, "is not what an operation computes")


def _kinds(mode: str, rules: _Rules, body: bool) -> frozenset[type[Op]]:
    """The kinds that may appear; what is none of KINDS never may."""
    modes, numbers = ({mode, "frame"} if body else {mode}), "integer" if rules.integers else "float"
    return frozenset(kind for kind in KINDS.values() if modes & {*kind.modes} and numbers in kind.numbers)


def _check_head(graph: Graph, rules: _Rules) -> None:
    inputs = {value.name for value in graph.inputs}
    _check(graph.inputs, graph.name, "has no input")
    _check(graph.outputs, graph.name, "has no output")
    _check(not graph.output_keys or len({*graph.output_keys}) == len(graph.outputs), graph.name, "odd output keys")
    _check(len(graph.warm_ups) == len(graph.outputs), graph.name, len(graph.warm_ups), "warm-ups")
    odd = min(graph.warm_ups) < 0 or (graph.mode == "frame" and graph.warm_up)
    _check(not odd, graph.name, "an odd warm-up")
    for name in graph.controls:
        _check(name in inputs and graph.mode == "stream", name, "cannot be a control")
    _check(len({*graph.controls}) == len(graph.controls), graph.name, "the same control twice")
    _check(not graph.controls or len(graph.controls) < len(inputs), graph.name, "has no input with time")


def _check_states(graph: Graph, rules: _Rules) -> None:
    _check(not graph.states or graph.mode == "stream", graph.name, "a frame graph has no states")
    _check(len({state.name for state in graph.states}) == len(graph.states), graph.name, "states share a name")
    for state in graph.states:
        _check(state.length > 0 and state.initial.shape == state.value.shape, state.name, "an odd state")
        _check(state.name.isascii() and state.name.isidentifier(), state.name, "is no identifier")
        _check_numbers(state.name, rules, {"initial": state.initial})
        _check_fits(state.name, state.initial, state.value.format)


def _check_value(value: Value, known: dict[str, Value], rules: _Rules) -> None:
    """A value at its definition, which is its only one."""
    name, format = value.name, value.format
    _check(name.isascii() and name.isidentifier(), name, "is no identifier")
    _check(name not in known, name, "defined twice")
    _check((format is not None) == rules.integers, name, "has the format", format)
    _check(format is None or 1 <= format.width <= 64, name, "has the format", format)
    _check(not rules.sized or None not in value.shape, name, "has the shape", value.shape)
    _check(all(n is None or n >= 1 for n in value.shape), name, "has the shape", value.shape)
    known[name] = value


def _check_shape(op: Op) -> None:
    """The one rule of shapes, for all kinds: an operation says what its output's is."""
    try:
        shape = op.output_shape()
    except ShapeError as error:
        raise AssertionError(f"graph: {op.output.name}: {error}") from None
    y = op.output.shape
    fits = shape == y or (len(shape) == len(y) and all(n == m or None in (n, m) for n, m in zip(shape, y, strict=True)))
    _check(fits, op.output.name, "has the shape", op.output.shape, "and computes", shape)


def _check_kind(graph: Graph, op: Op, level: Level) -> None:
    """What holds of one kind beyond its shape."""
    name, y = op.output.name, op.output
    match op:
        case Window():
            state = _state(graph, op)
            _check(state.value.name == op.inputs[0].name, name, "reads through the state of", state.value.name)
            _check(state.length >= op.reach, name, "reaches beyond its state")
            _check(y.format == op.inputs[0].format, name, "has the format", y.format)
        case UnitDelay():
            state = _state(graph, op)
            _check(state.length == 1 and y.shape == state.value.shape, name, "delays", state.name)
            _check(y.format == state.value.format, name, "has the format", y.format)
        case MatMul() | Convolution() if level in ("integers", "fixed"):
            _check(op.weights_format is not None, name, "has weights without a format")
            _check_fits(name, op.matrix, op.weights_format)
            fraction = op.inputs[0].format.fraction + op.weights_format.fraction
            _check(y.format.fraction == fraction, name, "loses the point")
            _check_width(graph, op, level)
        case Binary(function="multiply") if level in ("integers", "fixed"):
            fraction = sum(x.format.fraction for x in op.inputs)
            _check(y.format.fraction == fraction, name, "loses the point")
            _check_width(graph, op, level)
        case Reduce() | Pool() if level in ("integers", "fixed") and is_accumulator(op):
            _check(y.format.fraction == op.inputs[0].format.fraction, name, "loses the point")
            _check_width(graph, op, level)
        case Binary() | Reduce() | Pool() if level in ("integers", "fixed"):
            _check(op.function in ("maximum", "minimum", "max", "min"), name, "is no operation on integers")
            _check_one_format(op)
        case _ if isinstance(op, MOVEMENTS) and level in ("integers", "fixed"):
            whole = not isinstance(op, Pad) or (float(op.value).is_integer() and y.format.lo <= op.value <= y.format.hi)
            _check(whole, name, "pads with a number that its format has not")
            _check_one_format(op)
        case Constant():
            _check_fits(name, op.value, y.format)
        case Piecewise() if level in ("integers", "fixed"):
            _check(op.slopes_format is not None, name, "has slopes without a format")
            _check_fits(name, op.slopes, op.slopes_format)
            fraction = op.inputs[0].format.fraction + op.slopes_format.fraction
            _check(y.format.fraction == fraction, name, "loses the point")
            _check_width(graph, op, level)
        case Table():
            _check_table(op)
            _check_width(graph, op, level)
        case Sum():
            for x, shift in zip(op.inputs, op.shifts, strict=True):
                _check(shift >= 0, name, "shifts by", shift)
                _check(x.format.fraction + shift == y.format.fraction, name, "loses the point of", x.name)
            _check_width(graph, op, level)
        case Scan():
            verify(op.body, "stream" if level == "lowered" else level, body=True)
        case Quantize():
            _check(op.format.lo <= op.lo and op.hi <= op.format.hi, name, "clamps beyond", op.format)
        case Requantize():
            _check(op.inputs[0].format.fraction - op.shift == y.format.fraction, name, "loses the point")
            _check(y.format.lo <= op.lo and op.hi <= y.format.hi, name, "clamps beyond", y.format)


def _check_table(op: Table) -> None:
    """Whether every number of the input's format has its two entries."""
    name, x = op.output.name, op.inputs[0].format
    mirrored = op.symmetry != "none"
    _check(x.signed or not mirrored, name, "mirrors what has no sign")
    _check(x.width - mirrored == op.address_bits + op.fraction_bits, name, "has a table for another format than", x)
    _check(op.symmetry == "odd" or op.mirror == 0, name, "mirrors nothing around", op.mirror)


def _check_one_format(op: Op) -> None:
    """Whether what goes in and what comes out are numbers of one format."""
    name, y = op.output.name, op.output
    _check(all(x.format == y.format for x in op.inputs), name, "joins values of different formats")


def _check_width(graph: Graph, op: Op, level: Level) -> None:
    """Whether an accumulator is proven wide enough."""
    if level == "fixed":
        needed = accumulator_width(graph, op)
        _check(needed <= op.output.format.width, op.output.name, op.output.format, "may overflow")


def _state(graph: Graph, op: Op) -> State:
    try:
        return graph.state(op.state_read)
    except KeyError:
        raise AssertionError(f"graph: {op.output.name}: reads no state: {op.state_read}") from None


def _check_fits(name: str, numbers: np.ndarray, format: Format | None) -> None:
    """Whether integers lie within the format that they are said to have."""
    if format is not None and numbers.size:
        _check(format.lo <= numbers.min() and numbers.max() <= format.hi, name, "holds numbers beyond", format)


def _check_numbers(name: str, rules: _Rules, attributes: dict[str, object], whole: tuple[str, ...] = ()) -> None:
    for key, array in attributes.items():
        if isinstance(array, np.ndarray):
            _check(array.dtype == (np.int64 if key in whole else rules.dtype), name, key, "of the type", array.dtype)


def _check(condition: object, name: str, *what: object) -> None:
    # The words are put together where something is wrong alone: most of the time nothing is.
    if not condition:
        raise AssertionError(f"graph: {name}: {' '.join(map(str, what))}")
