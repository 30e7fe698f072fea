"""The numpy interpreter: what a graph means. Every target is checked against it, and it against Keras.

A stream graph is evaluated over a whole window at once, time being a leading axis: a state shifts it.
Float graphs run in the precision asked for; fixed-point graphs run exactly, in float64 BLAS while the
accumulators stay below 2**53 and in int64 beyond.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compiler import numerics
from compiler.graph import Affine, Convolution, Graph, MatMul, Op, Quantize, Requantize, State, Unary, Window

EXACT_IN_FLOAT64 = 53  # bits: float64 holds every integer of that magnitude


def run(graph: Graph, x: np.ndarray, *, precision: type[np.floating] = np.float64) -> np.ndarray:
    """The output of a graph with one input and one output, from reset.

    Args:
        graph: A frame or a stream graph.
        x: (..., samples, channels): real numbers for a float graph, integers for a fixed-point one.
        precision: What a float graph computes in.

    Returns:
        (..., samples, channels): floats of that precision, or int64.
    """
    (output,) = graph.outputs
    return evaluate(graph, [x], precision=precision)[output.name]


def evaluate(
    graph: Graph, inputs: Sequence[np.ndarray], *, precision: type[np.floating] = np.float64
) -> dict[str, np.ndarray]:
    """Every value of a graph by name, each (..., samples, *shape), from inputs (..., samples, channels)."""
    values: dict[str, np.ndarray] = {}
    for value, x in zip(graph.inputs, inputs, strict=True):
        x = np.asarray(x)
        if x.ndim < 2 or x.shape[-1] != value.shape[-1]:
            raise ValueError(f"input {value.name} wants (..., samples, {value.shape[-1]}), not {x.shape}")
        values[value.name] = x.astype(np.int64 if value.format else precision)
    for op in graph.ops:
        operands = [values[value.name] for value in op.inputs]
        values[op.output.name] = _compute(graph, op, operands)
    return values


def _compute(graph: Graph, op: Op, operands: list[np.ndarray]) -> np.ndarray:
    (x,) = operands
    match op:
        case Window():
            return windows(x, graph.state(op.state), op.taps, op.dilation)
        case MatMul():
            flat = x.reshape(*x.shape[: x.ndim - len(op.inputs[0].shape)], -1) if graph.mode == "stream" else x
            return _fixed_product(op, flat) if op.output.format else _float_product(flat, op.weights, op.bias)
        case Convolution():
            taps = len(op.kernel)
            past = np.zeros((*x.shape[:-2], (taps - 1) * op.dilation, x.shape[-1]), x.dtype)
            y = op.bias.astype(x.dtype)
            padded = np.concatenate([past, x], axis=-2)
            for k in range(taps):
                y = y + padded[..., k * op.dilation : k * op.dilation + x.shape[-2], :] @ op.kernel[k].astype(x.dtype)
            return y
        case Affine():
            return x * op.scale.astype(x.dtype) + op.shift.astype(x.dtype)
        case Unary():
            return _unary(op.function, x)
        case Quantize():
            return numerics.dequantize(numerics.quantize(x, op.format, op.rounding, op.lo, op.hi), op.format).astype(
                x.dtype
            )
        case Requantize():
            return numerics.requantize(x, op.shift, op.rounding, op.lo, op.hi)
    raise NotImplementedError(f"the interpreter does not know {type(op).__name__}")


def windows(x: np.ndarray, state: State, taps: int, dilation: int) -> np.ndarray:
    """(..., samples, channels) -> (..., samples, taps, channels): the taps of a state from reset, oldest first."""
    reach = (taps - 1) * dilation
    past = np.broadcast_to(state.initial.astype(x.dtype), (*x.shape[:-2], reach, x.shape[-1]))
    padded = np.concatenate([past, x], axis=-2)
    samples = x.shape[-2]
    return np.stack([padded[..., k * dilation : k * dilation + samples, :] for k in range(taps)], axis=-2)


def _float_product(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return x @ weights.astype(x.dtype) + bias.astype(x.dtype)


def _fixed_product(op: MatMul, x: np.ndarray) -> np.ndarray:
    accumulator = op.output.format
    if accumulator.width <= EXACT_IN_FLOAT64:
        y = (x.astype(np.float64) @ op.weights.astype(np.float64)).astype(np.int64) + op.bias
    else:
        y = x @ op.weights + op.bias
    if y.size and (y.min() < accumulator.lo or y.max() > accumulator.hi):
        raise OverflowError(f"layer '{op.output.layer}': an accumulator leaves {accumulator}, which was proven to hold")
    return y


def _unary(function: str, x: np.ndarray) -> np.ndarray:
    match function:
        case "relu":
            return np.maximum(x, 0)
        case "tanh":
            return np.tanh(x)
        case "sigmoid":
            # exp of a non-positive number on both sides, so that nothing overflows.
            e = np.exp(-np.abs(x))
            return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)
    raise NotImplementedError(f"the interpreter does not know the function {function}")
