"""The headers of firmware/runtime that a build carries: those that it includes, and what those include."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from compiler.mcu import cmsis, steps
from compiler.mcu.packing import Kernels, reads
from compiler.mcu.schedule import Schedule
from compiler.mcu.steps import Step
from compiler.resources import RUNTIME

FOR_USERS = ("nn_convert.h",)  # no build includes it; a program around one may


def includes(schedule: Schedule, kernels: Kernels) -> list[str]:
    """The headers that a build's source includes, bodies' needs among them; none twice, in order."""
    found = {"nn_base.h"}
    for step in _every_step(schedule):
        found.update(_headers(step, kernels))
    return sorted(found)


def files(schedule: Schedule, kernels: Kernels) -> dict[str, bytes]:
    """The runtime of a build, CMSIS-DSP's part of it included: file name in the build -> contents."""
    found = {name: _read(name) for name in _closure([*includes(schedule, kernels), *FOR_USERS])}
    texts = b"\n".join(found.values()).decode()
    used = [source for source in cmsis.SOURCES if f'#include "{source}"' in texts]
    return found | (cmsis.files(used) if used else {})


def kernels(schedule: Schedule, wanted: Kernels) -> Kernels:
    """Whose products a build calls: CMSIS-DSP has none with 32-bit sums, and some networks have no products."""
    return "cmsis" if any("cmsis" in name for name in includes(schedule, wanted)) else "c"


def names() -> set[str]:
    """The names of all headers without their suffix, which no build may have."""
    return {path.stem for path in RUNTIME.iterdir()}


def _every_step(schedule: Schedule) -> Iterator[Step]:
    yield from schedule.steps
    for scan in schedule.scans:
        yield from _every_step(scan.body)


def _headers(step: Step, kernels: Kernels) -> Iterator[str]:
    """What the call of a step is declared in."""
    match step:
        case steps.MatMul():
            yield _product(step, kernels)
        case steps.Convolution():
            yield _boxes(step)
            if not step.depthwise:
                yield _product(step, kernels)
        case steps.Pool():
            yield _boxes(step)
        case steps.Binary() if step.target.ctype != "float":
            yield "nn_sums.h" if step.straight else "nn_strided_fixed.h"
        case steps.Reduce() if step.source.ctype != "float":
            yield "nn_strided_fixed.h"
        case steps.Fill() | steps.Move() | steps.Walked() | steps.Reduce() | steps.Dot() | steps.Gather():
            yield "nn_strided.h"
        case steps.Quantize() | steps.QuantizeEach():
            yield "nn_quantize.h"
        case steps.Requantize():
            yield "nn_fixed.h"
        case steps.Pointwise():
            yield "nn_pointwise.h"
        case steps.Sum():
            yield "nn_sums.h"
        case steps.Affine():
            yield "nn_float.h"
        case steps.Unary(function=function):
            yield _where_defined(function)
        case steps.Push():
            yield "nn_ring.h"
    if isinstance(step, steps.MatMul | steps.Convolution) and step.activation != "linear":
        yield _where_defined(step.activation)


def _product(step: steps.MatMul | steps.Convolution, kernels: Kernels) -> str:
    """The header of a kernel."""
    if step.accumulator == "float":
        return f"nn_kernels_{kernels}.h"
    return (
        "nn_kernels_fixed_8.h"
        if step.stored == "int8_t"
        else f"nn_kernels_fixed_{reads(step.accumulator, step.stored, kernels)}.h"
    )


def _boxes(step: steps.Convolution | steps.Pool) -> str:
    """The header of what moves boxes; a convolution of integers that gathers them computes nothing there."""
    gathers = isinstance(step, steps.Convolution) and not step.depthwise
    return "nn_boxes.h" if gathers or step.source.ctype == "float" else "nn_boxes_fixed.h"


def _where_defined(function: str) -> str:
    """The header of a function of one number."""
    for header in ("nn_float.h", "nn_functions.h"):
        if f"NN_INLINE float nn_{function}(".encode() in _read(header):
            return header
    raise NotImplementedError(function)


def _closure(wanted: Iterable[str]) -> list[str]:
    """Headers, and those that they include, and so on."""
    found, pending = set(), [*wanted]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += re.findall(r'^#include "(nn_\w+\.h)"', _read(name).decode(), re.MULTILINE)
    return sorted(found)


@cache
def _read(name: str) -> bytes:
    return (RUNTIME / name).read_bytes()
