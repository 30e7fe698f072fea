"""Floating-point operations -> steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import ops
from compiler.ir.functions import PARAMETERS
from compiler.ir.grids import Grids
from compiler.ir.operation import Op
from compiler.mcu import moving, steps, strides
from compiler.mcu.places import Place
from compiler.mcu.steps import Activation, Compute

BOUNDS = ("max_value", "lower bound", "upper bound")  # parameters that may be infinite: there is no bound then


def steps_of(op: Op, sources: tuple[Place, ...], target: Place) -> list[Compute]:
    """The steps that compute an operation's value into a place; none for an unknown operation."""
    layer, name, y = op.output.layer, op.output.name, op.output
    common = {"name": name, "sources": sources, "target": target}
    match op:
        case ops.Affine():
            scale, shift = finite(layer, scale=op.scale, shift=op.shift)
            return [steps.Affine(**common, scale=scale, shift=shift)]
        case ops.Unary():
            return [steps.Unary(**common, function=op.function, parameters=_parameters(op))]
        case ops.Quantize():
            if not -126 <= op.format.fraction <= 126 or max(-op.lo, op.hi) > 1 << 24:
                raise CompileError(f"a grid of {op.format}, finer than a float can hold", layer=layer)
            return [steps.Quantize(**common, fraction=op.format.fraction, rounding=op.rounding, lo=op.lo, hi=op.hi)]
        case ops.QuantizeEach():
            powers = op.fraction - op.coarser
            if np.any(np.abs(powers) > 126) or np.any(op.hi - op.lo > 1 << 24):
                raise CompileError("its quantiser has grids finer than a float can hold", layer=layer)
            return [steps.QuantizeEach(**common, grids=_everywhere(op.grids, y.shape), rounding=op.rounding)]
        case ops.Binary() | ops.Select():
            walk = moving.few(strides.broadcast([value.shape for value in op.inputs], y.shape), layer)
            if isinstance(op, ops.Select):
                return [steps.Select(**common, walk=walk)]
            return [steps.Binary(**common, function=op.function, walk=walk)]
        case ops.Reduce():
            axes = [axis % len(op.inputs[0].shape) for axis in op.axes]
            walk = strides.reduce(op.inputs[0].shape, axes)
            return [steps.Reduce(**common, function=op.function, walk=moving.few(walk, layer))]
        case ops.Pool():
            boxes = moving.boxes(op, op.size, op.strides, (1,) * len(op.size), op.padding)
            return [steps.Pool(**common, boxes=boxes, channels=y.shape[-1], function=op.function)]
        case ops.Dot():
            return [_dot(op, common)]
        case ops.Gather():
            return [steps.Gather(**common, table=finite(layer, table=op.table)[0])]
    return moving.moves(op, sources, target)


def _everywhere(grids: Grids, shape: tuple[int, ...]) -> Grids:
    """Grids of which one follows another, from the first axis that they tell apart to the last."""
    own = grids.coarser.shape
    inner = shape[len(shape) - len(own) :]
    spread = (np.broadcast_to(array, inner) for array in (grids.coarser, grids.lo, grids.hi))
    coarser, lo, hi = map(np.ascontiguousarray, spread)
    return Grids(grids.fraction, coarser, lo, hi, grids.wraps)


def _parameters(op: ops.Unary) -> tuple[float, ...]:
    """The parameters of a function as floats: a bound beyond them is none, anything else has no meaning there."""
    found = []
    for name, value in zip(PARAMETERS.get(op.function, ()), op.parameters, strict=True):
        with np.errstate(over="ignore"):
            single = float(np.float32(value))
        if np.isnan(single) or (np.isinf(single) and name not in BOUNDS):
            raise CompileError(f"its {name}, {value:g}, is beyond 32-bit floating point", layer=op.output.layer)
        found.append(single)
    return tuple(found)


def _dot(op: ops.Dot, common: dict) -> steps.Dot:
    a, b = (value.shape for value in op.inputs)
    if a[:-2] != b[:-2]:
        raise CompileError(f"products of rows of {a} and {b}, unlike in their first axes", layer=op.output.layer)
    return steps.Dot(**common, batch=int(np.prod(a[:-2], dtype=np.int64)), n=a[-2], m=b[-2], k=a[-1])


def product(op: ops.MatMul | ops.Convolution, source: Place, target: Place, activation: Activation) -> Compute:
    """The step of an operation with weights."""
    layer, x, y = op.output.layer, op.inputs[0], op.output
    common = {"name": y.name, "sources": (source,), "target": target, "activation": activation}
    if isinstance(op, ops.MatMul):
        weights, bias = finite(layer, weights=op.weights, bias=op.bias)
        rows = y.size // y.shape[-1]
        if weights.shape != (x.size // rows, y.shape[-1]) or bias.shape != weights.shape[1:]:
            raise CompileError(f"weights of shape {weights.shape} for {x.size // rows} inputs", layer=layer)
        return steps.MatMul(**common, weights=weights, bias=bias, accumulator="float", rows=rows)
    kernel, bias = finite(layer, kernel=op.kernel, bias=op.bias)
    boxes, flat, depthwise = moving.grouped(replace(op, kernel=kernel))
    if moving.is_product(boxes, op.groups):
        return steps.MatMul(**common, weights=flat[0], bias=bias, accumulator="float", rows=boxes.positions)
    return steps.Convolution(**common, boxes=boxes, kernel=flat, bias=bias, depthwise=depthwise)


def work(step: Compute) -> int:
    """Elements of memory a step needs meanwhile: one box of a group."""
    return step.kernel.shape[1] if isinstance(step, steps.Convolution) and not step.depthwise else 0


def finite(layer: str, **arrays: np.ndarray) -> list[np.ndarray]:
    """The arrays in 32-bit floating point.

    Raises:
        CompileError: One holds what is no number there.
    """
    found = []
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            single = np.asarray(array, np.float32)
        if not np.isfinite(single).all():
            raise CompileError(f"its {name} is not finite in 32-bit floating point", layer=layer)
        found.append(single)
    return found
