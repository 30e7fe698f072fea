"""Schedule -> `<name>_weights.h`: every table of constants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from compiler.mcu import literals, steps, text
from compiler.mcu.calls import Caller, axes_name, needs_axes
from compiler.mcu.packing import Kernels, pack
from compiler.mcu.places import DTYPES, Ring
from compiler.mcu.schedule import Schedule
from compiler.mcu.steps import Boxes, Step

CTYPES = {dtype: ctype for ctype, dtype in DTYPES.items()}


def weights(schedule: Schedule, name: str, banner: Sequence[str], kernels: Kernels) -> Iterator[bytes]:
    """`<name>_weights.h`: every table of constants, piece by piece, as it is several times as large as the weights."""
    upper = name.upper()
    yield (
        f"""{text.top(f"{name}: weights, for {name}.c alone.", banner)}
#ifndef {upper}_WEIGHTS_H
#define {upper}_WEIGHTS_H

#include <stdint.h>

""".encode()
    )
    yield from _tables(schedule, name, kernels, f"{upper}_WEIGHTS_SECTION")
    yield b"\n#endif\n"


def _tables(schedule: Schedule, prefix: str, kernels: Kernels, where: str) -> Iterator[bytes]:
    for ring in schedule.rings:
        if ring.initial.any():
            yield from literals.table(f"{prefix}_{ring.name}_initial", ring.ctype, ring.initial, where)
        if ring.silence is not None and np.any(ring.silence):
            yield from _silence(f"{prefix}_{ring.name}_silence", ring, where)
    for name, array in schedule.constants.items():
        yield from literals.table(f"{prefix}_{name}_value", CTYPES[array.dtype.type], array, where)
    for step in schedule.steps:
        table = f"{prefix}_{step.name}"
        match step:
            case steps.MatMul():
                packed = pack(_stored(step.weights, step.up), step.accumulator, kernels, step.stored)
                yield f"/* {step.name}: {step.weights.shape[0]} inputs, {step.weights.shape[1]} outputs */\n".encode()
                yield from _numbers(table, step, packed, where)
            case steps.Convolution():
                groups, rows, columns = step.kernel.shape
                yield f"/* {step.name}: {groups} groups of {rows} inputs, {columns} filters */\n".encode()
                kernel = step.kernel if step.up is None else _stored(step.kernel, step.up.reshape(groups, 1, columns))
                how = step.accumulator, kernels, step.stored
                packed = [kernel.swapaxes(0, 1).ravel()] if step.depthwise else [pack(g, *how) for g in kernel]
                yield from _numbers(table, step, np.concatenate(packed), where)
            case steps.Affine():
                yield from literals.table(f"{table}_scale", "float", step.scale, where)
                yield from literals.table(f"{table}_shift", "float", step.shift, where)
            case steps.QuantizeEach():
                yield from literals.table(f"{table}_grids", "float", step.table, where)
            case steps.Piecewise():
                if step.thresholds.size:
                    yield from literals.table(f"{table}_thresholds", "int32_t", step.thresholds, where)
                yield from literals.table(f"{table}_slopes", "int32_t", step.slopes, where)
                yield from literals.table(f"{table}_offsets", step.accumulator, step.offsets, where)
            case steps.Table() if step.table == step.name:
                yield from literals.table(f"{table}_entries", step.entry, step.entries, where)
            case steps.Gather():
                yield from literals.table(f"{table}_table", "float", step.table, where)
        if isinstance(step, steps.Convolution | steps.Pool):
            yield f"{where} static const nn_boxes {table}_boxes = {_boxes(step.boxes)};\n".encode()
        if needs_axes(step):
            yield f"{where} {_axes(axes_name(table, step), step)}".encode()
    for scan in schedule.scans:
        yield from _tables(scan.body, f"{prefix}_{Caller(schedule, prefix).scan(scan)}", kernels, where)


def _numbers(table: str, step: steps.MatMul | steps.Convolution, packed: np.ndarray, where: str) -> Iterator[bytes]:
    """What a product reads beside its source."""
    yield from literals.table(f"{table}_weights", step.stored, packed, where)
    yield from literals.table(f"{table}_bias", step.accumulator, step.bias, where)
    if step.up is not None:
        yield from literals.table(f"{table}_up", "uint8_t", step.up, where)


def _stored(weights: np.ndarray, up: np.ndarray | None) -> np.ndarray:
    return weights if up is None else weights >> up


def _silence(name: str, ring: Ring, where: str) -> Iterator[bytes]:
    fused, split = ring.silence
    if np.array_equal(fused, split):
        yield from literals.table(name, ring.ctype, fused, where)
        return
    yield b"#ifdef NN_FUSED\n"
    yield from literals.table(name, ring.ctype, fused, where)
    yield b"#else\n"
    yield from literals.table(name, ring.ctype, split, where)
    yield b"#endif\n"


def _boxes(boxes: Boxes) -> str:
    pairs = (boxes.space, boxes.steps, boxes.taps, boxes.strides, boxes.dilation, boxes.before)
    return "{" + ", ".join(f"{{{rows}, {columns}}}" for rows, columns in pairs) + "}"


def _axes(name: str, step: Step) -> str:
    moves = [*step.walk.steps, *[(0,) * step.walk.rank] * (3 - len(step.walk.steps))]
    rows = [
        f"{{{count}, {{{', '.join(map(str, own))}}}}}" for count, *own in zip(step.walk.counts, *moves, strict=True)
    ]
    return f"static const nn_axis {name}[{step.walk.rank}] = {{{', '.join(rows)}}};\n"
