"""Schedule -> C. It only prints: every decision stands in the steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from compiler.mcu.packing import Kernels, pack
from compiler.mcu.steps import (
    Activate,
    Compute,
    Copy,
    CType,
    Gather,
    Place,
    Product,
    Push,
    Requantize,
    Ring,
    RoundToGrid,
    ScaleShift,
    Schedule,
    Step,
)

SCRATCH: dict[CType, str] = {"float": "scratch", "int16_t": "scratch", "int32_t": "sums_i32", "int64_t": "sums_i64"}
SUFFIX: dict[CType, str] = {"float": "f32", "int16_t": "i16", "int32_t": "i32", "int64_t": "i64"}
LINE = 112


def uses_cmsis(step: Step, kernels: Kernels) -> str | None:
    """The CMSIS-DSP source a step calls, if it calls one."""
    if kernels != "cmsis" or not isinstance(step, Product):
        return None
    return {"float": "arm_mat_vec_mult_f32.c", "int64_t": "arm_dot_prod_q15.c"}.get(step.accumulator)


def header(schedule: Schedule, name: str, banner: Sequence[str], sample_rate_hz: int | None) -> str:
    """`<name>.h`: the interface."""
    upper = name.upper()
    fixed = "Q numbers: integer * 2^-fraction." if schedule.fixed else "Floating point; its fractions are 0."
    members = [f"    uint32_t at_{ring.name};" for ring in schedule.rings]
    for ring in schedule.rings:
        members.append(
            f"    {ring.ctype} ring_{ring.name}[{ring.size}]; /* {ring.length} samples of {ring.channels} */"
        )
    constants = {
        "INPUTS": (schedule.source.size, "numbers in one sample in"),
        "OUTPUTS": (schedule.result.size, "numbers in one sample out"),
        "FIXED": (int(schedule.fixed), fixed),
        "IN_FRACTION": (schedule.in_fraction, "bits behind the binary point"),
        "OUT_FRACTION": (schedule.out_fraction, ""),
        "RECEPTIVE_FIELD": (schedule.receptive_field, "samples in that one sample out depends on"),
        "LATENCY": (0, "samples from one in to the one out that belongs to it"),
        "STATE_BYTES": (schedule.state_bytes, f"sizeof({name}_t)"),
        "SAMPLE_RATE": (sample_rate_hz or 0, "Hz; 0: not told"),
    }
    defines = [
        f"#define {upper}_{key} {_int(v)}{f' /* {text} */' if text else ''}" for key, (v, text) in constants.items()
    ]
    table = [
        f'    X({index}, "{value.name}", {value.place.ctype}, {value.place.size}, "{"x".join(map(str, value.shape))}")'
        for index, value in enumerate(schedule.values)
    ]
    return f"""{_top(f"{name}: a neural network over a stream of samples.", banner)}
#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{_lines(defines)}

typedef {schedule.source.ctype} {name}_in_t;
typedef {schedule.result.ctype} {name}_out_t;

/* What the network remembers between samples. It lies where you put it; one for each stream. */
typedef struct {{
{_lines(members or ["    uint32_t nothing;"])}
}} {name}_t;

/* Before the first sample. */
void {name}_init({name}_t *s);

/* Forgets the past: as after init. */
void {name}_reset({name}_t *s);

/* The next `samples` samples, interleaved: in[sample][{upper}_INPUTS], out[sample][{upper}_OUTPUTS]. Any number
   will do, and however a stream is cut into calls, the bits that come out are the same. `in` may be `out` where
   the numbers of both are as many and of the same type. */
void {name}_process({name}_t *s, const {schedule.source.ctype} *in, {schedule.result.ctype} *out, size_t samples);

/* The values in memory, for the trace hook in {name}.c: X(index, name, type, numbers, shape). */
#define {upper}_VALUES(X) {chr(92)}
{f" {chr(92)}{chr(10)}".join(table)}

#ifdef __cplusplus
}}
#endif
#endif
"""


def source(schedule: Schedule, name: str, banner: Sequence[str], kernels: Kernels) -> str:
    """`<name>.c`: the calls."""
    library = "cmsis" if any(uses_cmsis(step, kernels) for step in schedule.steps) else "c"
    resets = [_reset(ring, name) for ring in schedule.rings]
    scratch = [f"    {ctype} {SCRATCH[ctype]}[{size}];" for ctype, size in schedule.scratch.items()]
    body: list[str] = []
    for index in range(-1, len(schedule.steps)):
        if index >= 0:
            body.append(f"        {_call(schedule.steps[index], name)}")
        for number, value in enumerate(schedule.values):
            if value.after == index:
                body.append(f"        NN_TRACE({number}, {_at(value.place)}, {value.place.size});")
    upper = name.upper()
    return f"""{_top(f"{name}: what is done with each sample.", banner)}
#include "{name}.h"

#include "nn_fixed.h"
#include "nn_kernels_{library}.h"
#include "nn_ring.h"

#include "{name}_weights.h"

/* Define NN_TRACE to see every value as it is made: its index in {upper}_VALUES, a pointer to it, its numbers. */
#ifndef NN_TRACE
#define NN_TRACE(index, pointer, count) ((void)0)
#endif

typedef char {name}_state_bytes_are_right[sizeof({name}_t) == {upper}_STATE_BYTES ? 1 : -1];

void {name}_reset({name}_t *s)
{{
{_lines(f"    {line}" for line in resets or ["s->nothing = 0;"])}
}}

void {name}_init({name}_t *s)
{{
    {name}_reset(s);
}}

void {name}_process({name}_t *s, const {schedule.source.ctype} *in, {schedule.result.ctype} *out, size_t samples)
{{
{_lines([*scratch, "    (void)s;"])}
    for (; samples != 0; samples--, in += {upper}_INPUTS, out += {upper}_OUTPUTS) {{
{_lines(body)}
    }}
}}
"""


def weights(schedule: Schedule, name: str, banner: Sequence[str], kernels: Kernels) -> str:
    """`<name>_weights.h`: the tables, in the order in which they are read."""
    tables: list[str] = []
    for ring in schedule.rings:
        if ring.initial.any():
            tables.append(_table(f"{name}_{ring.name}_initial", ring.ctype, ring.initial))
    for step in schedule.steps:
        if isinstance(step, Product):
            packed = pack(step.weights, step.accumulator, kernels)
            tables.append(f"/* {step.name}: {step.weights.shape[0]} inputs, {step.weights.shape[1]} outputs */")
            tables.append(_table(f"{name}_{step.name}_weights", step.source.ctype, packed))
            tables.append(_table(f"{name}_{step.name}_bias", step.accumulator, step.bias))
        elif isinstance(step, ScaleShift):
            tables.append(_table(f"{name}_{step.name}_scale", "float", step.scale))
            tables.append(_table(f"{name}_{step.name}_shift", "float", step.shift))
    upper = name.upper()
    return f"""{_top(f"{name}: weights, for {name}.c alone.", banner)}
#ifndef {upper}_WEIGHTS_H
#define {upper}_WEIGHTS_H

#include <stdint.h>

{_lines(tables)}

#endif
"""


def cmake(name: str, banner: Sequence[str], sources: Sequence[str]) -> str:
    """`CMakeLists.txt`: a static library."""
    lines = [f"{name}: a neural network as a static library.", "SPDX-License-Identifier: 0BSD", *map(_comment, banner)]
    lines += [
        "",
        "nn_*.h, arm_*.c and what those include are the same files in every build: a program that holds",
        "two builds needs them once.",
    ]
    return f"""{_lines(f"# {line}".rstrip() for line in lines)}
cmake_minimum_required(VERSION 3.13)
project({name} C)
add_library({name} STATIC {" ".join(sources)})
set_target_properties({name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
target_compile_options({name} PRIVATE -ffp-contract=off)
target_link_libraries({name} PUBLIC m)
"""


def _call(step: Step, name: str) -> str:
    x, y = _at(step.source), _at(step.target) if isinstance(step, Compute) else ""
    table = f"{name}_{step.name}"
    match step:
        case Push(ring=ring):
            member = f"s->ring_{ring.name}, &s->at_{ring.name}"
            return f"nn_ring_push_{SUFFIX[ring.ctype]}({member}, {x}, {ring.length}, {ring.channels});"
        case Gather(ring=ring):
            sizes = f"{ring.length}, {ring.channels}, {step.taps}, {step.dilation}"
            return f"nn_ring_gather_{SUFFIX[ring.ctype]}({y}, s->ring_{ring.name}, s->at_{ring.name}, {x}, {sizes});"
        case Product():
            rows, columns = step.weights.shape
            arguments = f"{y}, {x}, {table}_weights, {table}_bias, {rows}, {columns}"
            if step.accumulator == "float":
                return f"nn_product_f32({arguments}, NN_{step.activation.upper()});"
            suffix = SUFFIX[step.accumulator]
            if step.rescale is None:
                return f"nn_product_raw_{suffix}({arguments});"
            return f"nn_product_{suffix}({arguments}, {_rescale(step)});"
        case ScaleShift():
            return f"nn_affine_f32({y}, {x}, {table}_scale, {table}_shift, {step.source.size});"
        case Activate():
            return f"nn_unary_f32({y}, {x}, {step.source.size}, NN_{step.function.upper()});"
        case RoundToGrid():
            steps = ", ".join(_float(2.0**power) for power in (step.fraction, -step.fraction))
            clamp = f"NN_{step.rounding.upper()}, {_float(step.lo)}, {_float(step.hi)}"
            return f"nn_quantize_f32({y}, {x}, {step.source.size}, {steps}, {clamp});"
        case Requantize():
            kind = f"{SUFFIX[step.source.ctype]}_via_{SUFFIX[step.wide]}_to_i16"
            return f"nn_requantize_{kind}({y}, {x}, {step.source.size}, {_rescale(step)});"
        case Copy():
            return f"memmove({y}, {x}, sizeof(*{y}) * {step.source.size});"
    raise NotImplementedError(type(step).__name__)


def _rescale(step: Product | Requantize) -> str:
    rescale = step.rescale
    return f"{rescale.shift}, NN_{rescale.rounding.upper()}, {rescale.lo}, {rescale.hi}"


def _reset(ring: Ring, name: str) -> str:
    initial = f"{name}_{ring.name}_initial" if ring.initial.any() else "NULL"
    member = f"s->ring_{ring.name}, &s->at_{ring.name}"
    return f"nn_ring_fill_{SUFFIX[ring.ctype]}({member}, {initial}, {ring.length}, {ring.channels});"


def _at(place: Place) -> str:
    base = SCRATCH[place.ctype] if place.area == "scratch" else place.area
    return f"{base} + {place.offset}" if place.offset else base


def _table(name: str, ctype: CType, values: np.ndarray) -> str:
    if ctype == "float":
        items = map(_float, values.astype(np.float32).tolist())
    elif ctype == "int64_t":
        items = (f"INT64_C({value})" for value in values.tolist())
    else:
        items = map(_int, values.tolist())
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > LINE:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return f"static const {ctype} {name}[{values.size}] = {{\n{_lines([*lines, line])}\n}};"


def _float(value: float) -> str:
    """A float literal that reads back as the same 32-bit number."""
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _int(value: int) -> str:
    """An int literal; the least one would otherwise be the negative of a number that is no int."""
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)


def _comment(text: str) -> str:
    return (
        "".join(c if c.isprintable() and c.isascii() else "?" for c in text)
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .replace("\\", "/")
    )


def _top(what: str, banner: Sequence[str]) -> str:
    return _lines(f"/* {line} */" for line in (what, "SPDX-License-Identifier: 0BSD", *map(_comment, banner)))


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
