"""Recurrent layers: SimpleRNN, GRU, LSTM, and RNN over their cells; each a Scan whose body is one step of the cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from compiler.ir.ops import MatMul, Select, Slice
from compiler.ir.values import Value
from compiler.lowering import kalman
from compiler.lowering.activation import activate
from compiler.lowering.arithmetic import binary, join, part, reshape
from compiler.lowering.builder import Builder
from compiler.lowering.cell import Cell
from compiler.lowering.layer import Layer
from compiler.lowering.shapes import known


def recurrent(layer: Layer, x: Value, *initial: Value) -> Value | tuple[Value, ...]:
    """Keras' SimpleRNN, GRU, LSTM and RNN, from zero states or from given ones."""
    return run(layer, x, initial)


def run(
    layer: Layer, x: Value, initial: Sequence[Value] = (), *, turn: bool = False, within: bool = False
) -> Value | tuple[Value, ...]:
    """As `recurrent`.

    Args:
        turn: Turn the order of a sequence round once more, as Bidirectional does.
        within: Whether this is a side of a Bidirectional, which gives zeros where a mask passes over a step.
    """
    if len(x.shape) != 2:
        raise layer.error(f"its input has {len(x.shape)} axes beside the batch, not two")
    cell = _cell(layer, x.shape[1])
    sequences, backwards = layer.flag("return_sequences", False), layer.flag("go_backwards", False)
    layer.expect_false("time_major")
    layer.ignore("unroll", "input_length", "input_dim")
    zeros, sizes = layer.flag("zero_output_for_mask", False), cell.sizes
    returns = layer.flag("return_state", False)
    if cell.output is None and (returns or initial):
        raise layer.error("states of a KalmanCell are kept otherwise here, so they cannot be given or returned")
    if layer.mask is not None:
        cell = _masked(cell, x.shape[1], zeros=sequences if within else zeros, begun=bool(initial))
        x = join(layer, [x, reshape(layer, layer.mask, (*layer.mask.shape, 1), "_mask")], 1, "_masked")
    if initial and [value.shape for value in initial] != [(size,) for size in sizes]:
        shapes, wanted = [value.shape for value in initial], [(size,) for size in sizes]
        raise layer.error(f"its initial_state has the shapes {shapes}, not {wanted}")
    how = {"initial": initial, "reverse": backwards, "stateful": layer.flag("stateful", False) and not initial}
    y = layer.scan(x, _body(cell, lambda b, y, states: y), sequences=sequences, **how)
    # Keras gives a sequence in the order in which it was computed.
    if sequences and backwards != turn:
        last = known(layer, x, 0, "go_backwards=True") - 1
        y = layer.emit(Slice, y, suffix="_turned", axis=0, start=last, step=-1)
    if not returns:
        return y
    final = layer.scan(x, _body(cell, lambda b, y, states: _joined(b, states)), sequences=False, **how)
    starts = np.cumsum([0, *sizes])
    return (y, *(part(layer, final, 0, int(start), n, "_state") for start, n in zip(starts, sizes, strict=False)))


def _masked(cell: Cell, channels: int, *, zeros: bool, begun: bool) -> Cell:
    """A cell that passes over the steps whose last channel is 0: its states stay, and its output stays or is zero.

    Args:
        zeros: Whether the output is zero there.
        begun: Whether the states begin from given values, the output before the first step being zero all the same.
    """

    remembers = (begun or cell.output is None) and not zeros

    def step(to: Builder, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        own, counts = part(to, x, 0, 0, channels, "_own"), part(to, x, 0, channels, 1, "_counts")
        y, states = cell.step(to, own, before[: len(cell.sizes)])
        kept = [to.emit(Select, (counts, new, old), suffix="_kept") for new, old in zip(states, before, strict=False)]
        if zeros:
            return to.emit(Select, (counts, y, to.constant(np.zeros(1), "_zero")), suffix="_shown"), kept
        if not remembers and cell.output is not None:
            return kept[cell.output], kept
        shown = to.emit(Select, (counts, y, before[-1]), suffix="_shown")
        return shown, [*kept, shown]

    shown = [np.zeros(cell.size)] if remembers else []
    sizes = (*cell.sizes, *map(len, shown))
    return Cell(sizes, step, cell.output, cell.units, (*cell.begins, *shown))


def _joined(to: Builder, states: Sequence[Value]) -> Value:
    return states[0] if len(states) == 1 else join(to, states, 0, "_states")


def _body(cell: Cell, result: Callable[[Builder, Value, Sequence[Value]], Value]) -> Callable[[Builder, Value], Value]:
    def step(to: Builder, element: Value) -> Value:
        delayed = [to.unit_delay(begin) for begin in cell.begins]
        y, states = cell.step(to, element, [before for before, _ in delayed])
        for (_, remember), state in zip(delayed, states, strict=True):
            remember(state)
        return result(to, y, states)

    return step


def weight_count(layer: Layer, serialized: Any) -> int:
    """How many weights a serialised recurrent layer or cell has."""
    config = serialized.get("config") if isinstance(serialized, Mapping) else None
    if not isinstance(config, Mapping):
        raise layer.error(f"{str(serialized)[:80]!r} is no recurrent layer")
    if isinstance(config.get("cells"), list):
        return sum(weight_count(layer, cell) for cell in config["cells"])
    if "cell" in config:
        return weight_count(layer, config["cell"])
    if serialized.get("registered_name") == kalman.NAME:
        return len(kalman.weight_shapes(config))
    return 3 if config.get("use_bias", True) else 2


def _cell(layer: Layer, channels: int) -> Cell:
    """The cell of a layer, or the one that an RNN holds."""
    if layer.class_name == "RNN":
        return _held(layer, layer.take("cell"), layer.all_weights(), channels)
    kind = CUDNN.get(layer.class_name) or CELLS.get(layer.class_name.removesuffix("Cell"))
    if kind is None:
        raise layer.error(
            f"a cell of class '{layer.class_name}' is not supported", hint="Supported: SimpleRNN, GRU, LSTM, stacked."
        )
    layer.ignore("dropout", "recurrent_dropout", "implementation", "seed")
    layer.ignore_training_of("kernel", "recurrent", "bias")
    return kind(layer, channels)


def _held(layer: Layer, serialized: Any, weights: Sequence[np.ndarray], channels: int) -> Cell:
    cell = layer.inner(serialized, weights)
    if cell.class_name == "StackedRNNCells":
        return _stacked(cell, channels)
    registered = serialized.get("registered_name") == kalman.NAME
    result = kalman.kalman(cell, channels) if registered else _cell(cell, channels)
    cell.finish()
    return result


def _stacked(layer: Layer, channels: int) -> Cell:
    """Cells one behind the other: the output of each is the input of the next."""
    listed, weights = layer.take("cells"), layer.all_weights()
    if not isinstance(listed, list) or not listed:
        raise layer.error(f"cells={str(listed)[:80]!r} is no list of cells")
    cells: list[Cell] = []
    for serialized in listed:
        count = weight_count(layer, serialized)
        cells.append(_held(layer, serialized, weights[:count], channels))
        weights, channels = weights[count:], cells[-1].size
    layer.finish()

    def step(to: Builder, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        after: list[Value] = []
        for cell in cells:
            own = before[len(after) : len(after) + len(cell.sizes)]
            x, states = cell.step(to, x, own)
            after += states
        return x, after

    output, units = cells[-1].output, cells[-1].units
    if output is not None:
        output += sum(len(cell.sizes) for cell in cells[:-1])
    begins = tuple(begin for cell in cells for begin in cell.begins)
    return Cell(tuple(map(len, begins)), step, output, units, begins)


def _weights(
    layer: Layer, channels: int, gates: int, bias: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kernel, recurrent kernel and bias (zeros where there is none)."""
    units = layer.size("units")
    shapes = {"kernel": (channels, gates * units), "recurrent_kernel": (units, gates * units)}
    if layer.class_name in CUDNN:
        weights = layer.weights(shapes | {"bias": (2 * gates * units,)})
        halves = weights["bias"].reshape(2, -1)
        kernels = (_from_cudnn(weights[name], gates) for name in shapes)
        return (*kernels, halves if len(bias) == 2 else halves.sum(axis=0))
    weights = layer.weights(shapes | ({"bias": bias} if layer.flag("use_bias") else {}))
    return weights["kernel"], weights["recurrent_kernel"], weights.get("bias", np.zeros(bias))


def _from_cudnn(kernel: np.ndarray, gates: int) -> np.ndarray:
    """A kernel of which each gate's part holds, in its memory, the transposed matrix that cuDNN multiplies with."""
    parts = [part.copy().reshape(part.shape[::-1]).T for part in np.split(kernel, gates, axis=1)]
    return np.concatenate(parts, axis=1)


def _product(to: Builder, x: Value, weights: np.ndarray, bias: np.ndarray, suffix: str) -> Value:
    return to.emit(MatMul, x, suffix=suffix, weights=weights, bias=bias)


def _simple(layer: Layer, channels: int) -> Cell:
    """h' = activation(x K + h R + b)."""
    units = layer.size("units")
    kernel, recurrent_kernel, bias = _weights(layer, channels, 1, (units,))
    both, activation = np.concatenate([kernel, recurrent_kernel]), layer.take("activation", "tanh")

    def step(to: Builder, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        h = _product(to, join(to, [x, before[0]], 0, "_both"), both, bias, "_sum")
        h = activate(layer, h, activation, to)
        return h, [h]

    return Cell((units,), step)


def _gru(layer: Layer, channels: int) -> Cell:
    """Update and reset gate, then a candidate; the reset acts before or after the recurrent product."""
    units, after = layer.size("units"), layer.flag("reset_after", True)
    kernel, recurrent_kernel, bias = _weights(layer, channels, 3, (2, 3 * units) if after else (3 * units,))
    on_x, on_h = bias if after else (bias, np.zeros_like(bias))
    gates, rest = slice(0, 2 * units), slice(2 * units, None)
    both = np.concatenate([kernel, recurrent_kernel])
    activation, gate = layer.take("activation", "tanh"), layer.take("recurrent_activation", "sigmoid")

    def step(to: Builder, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        (h,) = before
        pair = join(to, [x, h], 0, "_both")
        opened = _product(to, pair, both[:, gates], (on_x + on_h)[gates], "_gates")
        opened = activate(layer, opened, gate, to)
        update, reset = part(to, opened, 0, 0, units, "_update"), part(to, opened, 0, units, units, "_reset")
        if after:
            mine = _product(to, x, kernel[:, rest], on_x[rest], "_of_input")
            past = _product(to, h, recurrent_kernel[:, rest], on_h[rest], "_of_state")
            past = binary(to, "multiply", reset, past, "_kept")
            total = binary(to, "add", mine, past, "_sum")
        else:
            kept = binary(to, "multiply", reset, h, "_kept")
            total = _product(to, join(to, [x, kept], 0, "_both"), both[:, rest], on_x[rest], "_sum")
        candidate = activate(layer, total, activation, to)
        # update * h + (1 - update) * candidate
        difference = binary(to, "subtract", h, candidate, "_difference")
        moved = binary(to, "multiply", update, difference, "_moved")
        new = binary(to, "add", candidate, moved)
        return new, [new]

    return Cell((units,), step)


def _lstm(layer: Layer, channels: int) -> Cell:
    """Input, forget and output gate around a carry."""
    units = layer.size("units")
    layer.ignore("unit_forget_bias")
    kernel, recurrent_kernel, bias = _weights(layer, channels, 4, (4 * units,))
    both = np.concatenate([kernel, recurrent_kernel])
    activation, gate = layer.take("activation", "tanh"), layer.take("recurrent_activation", "sigmoid")

    def step(to: Builder, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        h, carry = before
        total = _product(to, join(to, [x, h], 0, "_both"), both, bias, "_sum")
        names = ("_input", "_forget", "_candidate", "_output")
        i, f, c, o = (part(to, total, 0, n * units, units, name) for n, name in enumerate(names))
        i, f, o = (activate(layer, each, gate, to) for each in (i, f, o))
        c = activate(layer, c, activation, to)
        kept = binary(to, "multiply", f, carry, "_kept")
        written = binary(to, "multiply", i, c, "_written")
        carry = binary(to, "add", kept, written, "_carry")
        h = binary(to, "multiply", o, activate(layer, carry, activation, to))
        return h, [h, carry]

    return Cell((units, units), step)


CELLS: dict[str, Callable[[Layer, int], Cell]] = {"SimpleRNN": _simple, "GRU": _gru, "LSTM": _lstm}
# What Keras 2 had for graphics cards alone: the same with their default activations, the weights laid out otherwise.
CUDNN = {"CuDNNGRU": _gru, "CuDNNLSTM": _lstm}
