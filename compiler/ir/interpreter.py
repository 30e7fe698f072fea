"""The numpy interpreter: what a graph means. Every target is checked against it, and it against Keras.

Arrays have one axis before a value's own: the step, so that a whole stream, or a batch of frames, is computed at
once. Only what a recurrence depends on runs step by step. Float graphs run in the precision asked for;
fixed-point graphs run exactly, in float64 BLAS while accumulators stay below 2**53 and in int64 beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from compiler.ir import functions, numerics
from compiler.ir.graph import Graph, Scan
from compiler.ir.ops import (
    Affine,
    Binary,
    Concatenate,
    Constant,
    Convolution,
    Dot,
    Gather,
    MatMul,
    Op,
    Pad,
    Piecewise,
    Pool,
    Quantize,
    QuantizeEach,
    Reduce,
    Repeat,
    Requantize,
    Reshape,
    Select,
    Slice,
    Sum,
    Table,
    Transpose,
    Unary,
    UnitDelay,
    Window,
    ZeroInsertion,
)
from compiler.ir.values import State

EXACT_IN_FLOAT64 = 53  # bits: float64 holds every integer of that magnitude
Array = np.ndarray


def run(graph: Graph, x: Array, *, precision: type[np.floating] = np.float64) -> Array:
    """The output of a graph with one input and one output, from reset.

    Args:
        graph: A frame or a stream graph.
        x: (steps, *shape): a stream of samples or a batch of frames; for a frame graph also one frame, *shape.
            Real numbers for a float graph, integers for a fixed-point one.
        precision: What a float graph computes in.

    Returns:
        (steps, *shape), or *shape for one frame: floats of that precision, or int64.
    """
    (value,), (output,) = graph.inputs, graph.outputs
    x = np.asarray(x)
    if graph.mode == "frame" and x.ndim == len(value.shape):
        return _evaluate(graph, [x[None]], precision, {output.name})[output.name][0]
    return _evaluate(graph, [x], precision, {output.name})[output.name]


def evaluate(
    graph: Graph,
    inputs: Sequence[Array],
    *,
    precision: type[np.floating] = np.float64,
    wanted: Collection[str] | None = None,
    tick: Callable[[int], None] = lambda step: None,
) -> dict[str, Array]:
    """Values of a graph by name, each (steps, *shape), from inputs (steps, *shape).

    Args:
        inputs: For each input; a control may also be given once, (*shape), for all steps.
        precision: What a float graph computes in.
        wanted: The names of the values to return; every one by default.
        tick: Called with the number of steps done, where they are computed one by one.
    """
    if wanted is None:
        wanted = {value.name for value in (*graph.inputs, *(op.output for op in graph.ops))}
    return _evaluate(graph, inputs, precision, wanted, tick)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # infinity and NaN are numbers too
def _evaluate(
    graph: Graph,
    inputs: Sequence[Array],
    precision: type[np.floating],
    wanted: Collection[str],
    tick: Callable[[int], None] = lambda step: None,
) -> dict[str, Array]:
    """The wanted values. Others go once they have been read, so that a deep network needs no more memory than two."""
    values: dict[str, Array] = {}
    pairs = [(value, np.asarray(x)) for value, x in zip(graph.inputs, inputs, strict=True)]
    steps = next(len(x) for value, x in pairs if value.name not in graph.controls)
    for value, x in pairs:
        if value.name in graph.controls and x.ndim == len(value.shape):
            x = np.broadcast_to(x, (steps, *x.shape))
        fits = x.ndim == len(value.shape) + 1
        if not fits or any(n not in (None, m) for n, m in zip(value.shape, x.shape[1:], strict=True)):
            raise ValueError(f"input {value.name} wants (steps, {value.shape}), not {x.shape}")
        values[value.name] = x.astype(np.int64 if value.format else precision)
    late = _recurrent(graph)
    early = [op for op in graph.ops if op.output.name not in late]
    kept = {*wanted, *(value.name for op in graph.ops if op.output.name in late for value in op.inputs)}
    kept |= {state.value.name for state in graph.states} if late else set()
    last = {value.name: index for index, op in enumerate(early) for value in op.inputs}
    for index, op in enumerate(early):
        values[op.output.name] = _compute(graph, op, values, steps, precision)
        for name in {value.name for value in (*op.inputs, op.output)} - kept:
            if last.get(name, index) == index:
                del values[name]
    if late:
        _step_by_step(graph, late, values, steps, precision, tick)
    return {name: values[name] for name in wanted}


def _recurrent(graph: Graph) -> set[str]:
    """The values that depend on a UnitDelay."""
    late: set[str] = set()
    for op in graph.ops:
        if isinstance(op, UnitDelay) or any(value.name in late for value in op.inputs):
            late.add(op.output.name)
    return late


def _step_by_step(
    graph: Graph,
    late: set[str],
    values: dict[str, Array],
    steps: int,
    precision: type[np.floating],
    tick: Callable[[int], None],
) -> None:
    """Computes the values that depend on a UnitDelay, one sample after the other, into `values`."""
    ops = [op for op in graph.ops if op.output.name in late]
    read = {op.state_read for op in ops}
    # The past of each state, oldest first, its initial value repeated at the head.
    pasts = {state.name: [_initial(state, precision)] * state.length for state in graph.states if state.name in read}
    done: dict[str, list[Array]] = {op.output.name: [] for op in ops}
    for step in range(steps):
        now = {name: array[step : step + 1] for name, array in values.items()}
        for op in ops:
            if isinstance(op, UnitDelay):
                y = pasts[op.state][-1]
            elif isinstance(op, Window):
                past = [*pasts[op.state], now[op.inputs[0].name]]
                y = np.stack([past[-1 - k * op.dilation] for k in reversed(range(op.taps))], axis=1)
            else:
                y = _compute(graph, op, now, 1, precision)
            now[op.output.name] = y
            done[op.output.name].append(y)
        for state in graph.states:
            if state.name in pasts:
                pasts[state.name] = [*pasts[state.name][1:], now[state.value.name]]
        tick(step + 1)
    for name, parts in done.items():
        values[name] = np.concatenate(parts)


def _initial(state: State, precision: type[np.floating]) -> Array:
    return state.initial.astype(np.int64 if state.value.format else precision)[None]


def _compute(graph: Graph, op: Op, values: Mapping[str, Array], steps: int, precision: type[np.floating]) -> Array:
    operands = [values[value.name] for value in op.inputs]
    x = operands[0] if operands else None
    match op:
        case Window():
            return windows(x, graph.state(op.state), op.taps, op.dilation)
        case Constant():
            value = op.value.astype(np.int64 if op.output.format else precision)
            return np.broadcast_to(value, (steps, *value.shape))
        case MatMul() | Convolution() if op.output.format:
            return _fixed_product(op, x)
        case Scan():
            return _scan(op, operands, precision)
        case Quantize():
            integers = numerics.quantize(x, op.format, op.rounding, op.lo, op.hi)
            return numerics.dequantize(integers, op.format).astype(x.dtype)
        case QuantizeEach():
            return numerics.dequantize(op.grids.of(x, op.rounding), op.format).astype(x.dtype)
        case Requantize():
            return numerics.requantize(x, op.shift, op.rounding, op.lo, op.hi)
        case Binary(function="multiply") if op.output.format:
            return _held(op, np.multiply(*_aligned(operands, op.output.shape)))
        case Reduce(function="sum") | Pool(function="sum") if op.output.format:
            return _held(op, _arithmetic(op, operands))
        case Piecewise():
            own = (array.astype(x.dtype) for array in (op.thresholds, op.slopes, op.offsets))
            y = numerics.piecewise(x, *own)
            return _held(op, y) if op.output.format else y
        case Table():
            how = (op.entries, op.fraction_bits, op.symmetry, op.mirror)
            return _held(op, numerics.interpolate(x, op.inputs[0].format, *how))
        case Sum():
            parts = (x * factor for x, factor in zip(operands, op.factors, strict=True))
            return _held(op, sum(parts, np.zeros_like(x)))
    return plain(op, operands)


def plain(op: Op, operands: list[Array]) -> Array:
    """What an operation that has no state, and does not run a body, makes of arrays: (steps, *shape) each."""
    match op:
        case MatMul():
            return _product(op, operands[0])
        case Convolution():
            return _convolution(op, operands[0])
    return _arithmetic(op, operands) if _is_arithmetic(op) else _movement(op, operands)


def windows(x: Array, state: State, taps: int, dilation: int) -> Array:
    """(samples, ...) -> (samples, taps, ...): the taps of a state from reset, oldest first."""
    reach, samples = (taps - 1) * dilation, len(x)
    padded = np.concatenate([np.broadcast_to(state.initial.astype(x.dtype), (reach, *x.shape[1:])), x])
    return np.stack([padded[k * dilation : k * dilation + samples] for k in range(taps)], axis=1)


def _product(op: MatMul, x: Array) -> Array:
    rows = x.reshape(*x.shape[: len(op.output.shape)], -1)
    return rows @ op.weights.astype(x.dtype) + op.bias.astype(x.dtype)


def _fixed_product(op: MatMul | Convolution, x: Array) -> Array:
    if op.output.format.width <= EXACT_IN_FLOAT64:
        return _held(op, plain(op, [x.astype(np.float64)]).astype(np.int64))
    return _held(op, plain(op, [x]))


def _held(op: Op, y: Array) -> Array:
    """Sums, if their accumulator holds them."""
    accumulator = op.output.format
    if y.size and (y.min() < accumulator.lo or y.max() > accumulator.hi):
        raise OverflowError(f"layer '{op.output.layer}': an accumulator leaves {accumulator}, which was proven to hold")
    return y


def _boxes(x: Array, size: Sequence[int], strides: Sequence[int], dilation: Sequence[int]) -> Array:
    """(steps, *space, C) -> (steps, *space', *size, C), every box a window moves over, as a view."""
    for axis, (taps, stride, step) in enumerate(zip(size, strides, dilation, strict=True), start=1):
        view = np.lib.stride_tricks.sliding_window_view(x, (taps - 1) * step + 1, axis=axis)
        view = view[..., ::step]
        x = view[(slice(None),) * axis + (slice(None, None, stride),)]
    # The taps have gathered behind the channels: bring them in front.
    return np.moveaxis(x, len(size) + 1, -1)


def _convolution(op: Convolution, x: Array) -> Array:
    space = op.kernel.ndim - 2
    padded = np.pad(x, [(0, 0), *op.padding, (0, 0)])
    boxes = _boxes(padded, op.kernel.shape[:space], op.strides, op.dilation)
    kernel, bias = op.kernel.astype(x.dtype), op.bias.astype(x.dtype)
    channels, filters = x.shape[-1] // op.groups, kernel.shape[-1] // op.groups
    lead = boxes.shape[: 1 + space]
    parts = []
    for group in range(op.groups):
        rows = boxes[..., group * channels : (group + 1) * channels].reshape(*lead, -1)
        parts.append(rows @ kernel[..., group * filters : (group + 1) * filters].reshape(-1, filters))
    return np.concatenate(parts, axis=-1) + bias


def _scan(op: Scan, operands: list[Array], precision: type[np.floating]) -> Array:
    """Frame by frame, each a stream of its own."""
    x, *begun = operands
    sequence = x[:, ::-1] if op.reverse else x
    (output,) = op.body.outputs
    frames = []
    for frame, *initial in zip(sequence, *begun, strict=True):
        states = [replace(state, initial=array) for state, array in zip(op.body.states, initial, strict=False)]
        body = replace(op.body, states=(*states, *op.body.states[len(states) :]))
        frames.append(evaluate(body, [frame], precision=precision)[output.name])
    y = np.stack(frames)
    if not op.sequences:
        return y[:, -1]
    return y[:, ::-1] if op.reverse else y


def _is_arithmetic(op: Op) -> bool:
    return isinstance(op, Affine | Unary | Binary | Select | Reduce | Pool | Dot)


def _arithmetic(op: Op, operands: list[Array]) -> Array:
    x = operands[0]
    match op:
        case Affine():
            return x * op.scale.astype(x.dtype) + op.shift.astype(x.dtype)
        case Unary():
            return functions.apply(op.function, x, op.parameters)
        case Binary():
            return getattr(np, op.function)(*_aligned(operands, op.output.shape))
        case Select():
            condition, yes, no = _aligned(operands, op.output.shape)
            return np.where(condition > 0, yes, no)
        case Reduce():
            return getattr(np, op.function)(x, axis=tuple(axis + 1 for axis in op.axes), keepdims=op.keepdims)
        case Pool():
            return _pool(op, x)
        case Dot():
            return operands[0] @ np.swapaxes(operands[1], -1, -2)
    raise NotImplementedError(f"the interpreter does not know {type(op).__name__}")


def _aligned(operands: list[Array], shape: tuple[int | None, ...]) -> list[Array]:
    """Operands with axes of length 1 behind the step axis, so that numpy lines their own axes up from the last."""
    return [x.reshape(x.shape[:1] + (1,) * (len(shape) + 1 - x.ndim) + x.shape[1:]) for x in operands]


def _pool(op: Pool, x: Array) -> Array:
    axes = tuple(range(1 + len(op.size), 1 + 2 * len(op.size)))
    pads = [(0, 0), *op.padding, (0, 0)]
    ones = (1,) * len(op.size)
    if op.function == "max":
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        return _boxes(np.pad(x, pads, constant_values=least), op.size, op.strides, ones).max(axis=axes)
    total = _boxes(np.pad(x, pads), op.size, op.strides, ones).sum(axis=axes)
    if op.function == "sum":
        return total
    count = _boxes(np.pad(np.ones_like(x), pads), op.size, op.strides, ones).sum(axis=axes)
    return total / count


def _movement(op: Op, operands: list[Array]) -> Array:
    x = operands[0]
    match op:
        case Reshape():
            return x.reshape(len(x), *(-1 if n is None else n for n in op.output.shape))
        case Transpose():
            return np.transpose(x, (0, *(axis + 1 for axis in op.permutation)))
        case Slice():
            count = op.output.shape[op.axis]
            length = x.shape[op.axis + 1]
            picked = op.start + op.step * np.arange(length - op.start if count is None else count)
            return np.take(x, picked, axis=op.axis + 1)
        case Pad():
            return np.pad(x, [(0, 0), *op.padding], constant_values=op.value)
        case Repeat():
            return np.repeat(x, op.times, axis=op.axis + 1)
        case ZeroInsertion():
            shape = list(x.shape)
            shape[op.axis + 1] = (shape[op.axis + 1] - 1) * (op.gap + 1) + 1
            y = np.zeros(shape, x.dtype)
            y[(slice(None),) * (op.axis + 1) + (slice(None, None, op.gap + 1),)] = x
            return y
        case Concatenate():
            return np.concatenate(operands, axis=op.axis + 1)
        case Gather():
            rows = np.clip(np.nan_to_num(x), 0, len(op.table) - 1).astype(np.int64)
            return op.table[rows].astype(x.dtype)
    raise NotImplementedError(f"the interpreter does not know {type(op).__name__}")
