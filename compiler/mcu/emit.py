"""Schedule -> C. It only prints: every decision stands in the steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO

import numpy as np

from compiler.mcu import numbers
from compiler.mcu.calls import SCRATCH, SUFFIX, Caller, axes_name, needs_axes
from compiler.mcu.packing import Kernels, pack
from compiler.mcu.steps import (
    Boxes,
    Convolve,
    Lookup,
    Pool,
    Port,
    Product,
    Ring,
    ScaleShift,
    Schedule,
    Step,
)

MOST_STEPS_TO_REST = 10_000


def uses_cmsis(schedule: Schedule, kernels: Kernels) -> set[str]:
    """The CMSIS-DSP sources that a schedule calls, bodies included."""
    if kernels != "cmsis":
        return set()
    used = set()
    for step in schedule.steps:
        if isinstance(step, Product) and step.accumulator != "int32_t":
            used.add("arm_mat_vec_mult_f32.c" if step.accumulator == "float" else "arm_dot_prod_q15.c")
        elif isinstance(step, Convolve) and not step.depthwise:
            used.add("arm_mat_vec_mult_f32.c")
    return used.union(*(uses_cmsis(scan.body, kernels) for scan in schedule.scans))


def header(schedule: Schedule, name: str, banner: Sequence[str], sample_rate_hz: int | None) -> str:
    """`<name>.h`: the interface."""
    upper, one = name.upper(), "frame" if schedule.frames else "sample"
    fixed = "Q numbers: integer * 2^-fraction." if schedule.fixed else "Floating point; its fractions are 0."
    scratch = schedule.struct_bytes - schedule.state_bytes
    memory = f", {scratch} bytes of it for working" if scratch > 4 else ""
    field = schedule.receptive_field
    reach = f"{one}s in that one {one} out depends on" if field else "samples; 0: on all before it"
    constants: dict[str, tuple[int, str]] = {
        **_sizes("INPUTS", schedule.inputs, f"numbers in one {one} in"),
        **_sizes("OUTPUTS", schedule.outputs, f"numbers in one {one} out"),
        "FIXED": (int(schedule.fixed), fixed),
        "IN_FRACTION": (schedule.inputs[0].fraction if schedule.inputs else 0, "bits behind the binary point"),
        "OUT_FRACTION": (schedule.outputs[0].fraction, ""),
        "RECEPTIVE_FIELD": (field or 0, reach),
        "WARM_UP": (schedule.warm_up, f"{one}s out at the beginning that the model does not give"),
        "LATENCY": (0, f"{one}s from one in to the one out that belongs to it"),
        "STATE_BYTES": (schedule.struct_bytes, f"sizeof({name}_t){memory}"),
        "SAMPLE_RATE": (sample_rate_hz or 0, "Hz; 0: not told"),
    }
    defines = [
        f"#define {upper}_{key} {numbers.int_literal(v)}{f' /* {text} */' if text else ''}"
        for key, (v, text) in constants.items()
    ]
    ports = [
        f'    {kind}({number}, "{port.name}", {port.place.size}, "{_shape(port.shape)}")'
        for kind, side in (("IN", schedule.inputs), ("OUT", schedule.outputs))
        for number, port in enumerate(side)
    ]
    table = [
        f'    X({index}, "{value.name}", {value.place.ctype}, {value.place.size}, "{_shape(value.shape)}")'
        for index, value in enumerate(schedule.values)
    ]
    over = "frames" if schedule.frames else "a stream of samples"
    return f"""{_top(f"{name}: a neural network over {over}.", banner)}
#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{_lines(defines)}

typedef {schedule.inputs[0].place.ctype} {name}_in_t;
typedef {schedule.outputs[0].place.ctype} {name}_out_t;

{_lines(_types(schedule, name, _what_state(schedule)))}

/* Before the first {one}. */
void {name}_init({name}_t *s);

/* Forgets the past: as after init. */
void {name}_reset({name}_t *s);
{_rest_interface(schedule, name)}
{_process_interface(schedule, name)}
void {name}_process({_parameters(schedule, name)});

/* The inputs and outputs, for code around any network: IN or OUT(index, name, numbers, shape). */
#define {upper}_PORTS(IN, OUT) {chr(92)}
{_continued(ports)}

/* The values in memory, for the trace hook in {name}.c: X(index, name, type, numbers, shape). */
#define {upper}_VALUES(X) {chr(92)}
{_continued(table)}

#ifdef __cplusplus
}}
#endif
#endif
"""


def _sizes(key: str, ports: Sequence[Port], text: str) -> dict[str, tuple[int, str]]:
    if len(ports) == 1:
        return {key: (ports[0].place.size, text)}
    return {f"{key}_{number}": (port.place.size, "" if number else text) for number, port in enumerate(ports)}


def _what_state(schedule: Schedule) -> str:
    if schedule.frames:
        return "/* The memory the network works in. Nothing in it outlasts a frame; one for each thread. */"
    return "/* What the network remembers between samples. It lies where you put it; one for each stream. */"


def _types(schedule: Schedule, prefix: str, comment: str) -> list[str]:
    """The state of a schedule, behind those of the bodies it runs."""
    caller, lines = Caller(schedule, prefix), []
    for scan in schedule.scans:
        lines += [*_types(scan.body, f"{prefix}_{caller.scan(scan)}", f"/* Of {scan.name}. */"), ""]
    members = [f"    uint32_t at_{ring.name};" for ring in schedule.rings]
    for ring in schedule.rings:
        size = f"{ring.length} samples of {ring.channels}"
        members.append(f"    {ring.ctype} ring_{ring.name}[{ring.size}]; /* {size} */")
    if schedule.scratch_in_state:
        members += [f"    {ctype} {SCRATCH[ctype]}[{size}];" for ctype, size in schedule.scratch.items()]
    if schedule.scans:
        members.append("    union {")
        members += [f"        {prefix}_{caller.scan(scan)}_t {caller.scan(scan)};" for scan in schedule.scans]
        members.append("    } scans;")
    return [*lines, comment, "typedef struct {", *(members or ["    uint32_t nothing;"]), f"}} {prefix}_t;"]


def _process_interface(schedule: Schedule, name: str) -> str:
    upper = name.upper()
    single = len(schedule.inputs) == len(schedule.outputs) == 1
    many = "" if single else " Several inputs or outputs stand in the order of the model."
    alias = (
        " `in` may be `out` where\n   the numbers of both are as many and of the same type."
        if single
        else " The outputs may not\n   overlap the inputs."
    )
    if schedule.frames:
        return f"/* The next `samples` frames, each whole and in C order, none knowing of another.{many}{alias} */"
    layout = f" in[sample][{upper}_INPUTS], out[sample][{upper}_OUTPUTS]." if single else many
    return f"""/* The next `samples` samples, interleaved:{layout} Any number
   will do, and however a stream is cut into calls, the bits that come out are the same.{alias} */"""


def _rest_interface(schedule: Schedule, name: str) -> str:
    if not schedule.rings:
        return ""
    limit = "" if schedule.receptive_field else f" It is looked for in at most {MOST_STEPS_TO_REST} steps."
    return f"""
/* As if this sample had come in for ever, so that a stream that goes on with it starts without a jump.{limit}
   0; or, where that leads to no fixed state, another number, and the state is as after reset. A NaN that has come
   in leaves a state without recurrence after {name.upper()}_RECEPTIVE_FIELD samples, others by a reset. */
int {name}_reset_to_rest({", ".join([f"{name}_t *s", *_pointers(schedule, inputs_only=True)])});

/* The same for zeros{", from constants" if schedule.receptive_field else ""}. */
int {name}_reset_to_silence({name}_t *s);
"""


def _pointers(schedule: Schedule, *, inputs_only: bool = False) -> list[str]:
    found = []
    for word, ports, const in (("in", schedule.inputs, "const "), ("out", schedule.outputs, "")):
        if not (inputs_only and word == "out"):
            found += [
                f"{const}{port.place.ctype} *{word}{number if len(ports) > 1 else ''}"
                for number, port in enumerate(ports)
            ]
    return found


def _parameters(schedule: Schedule, name: str) -> str:
    return ", ".join([f"{name}_t *s", *_pointers(schedule), "size_t samples"])


def source(schedule: Schedule, name: str, banner: Sequence[str], kernels: Kernels) -> str:
    """`<name>.c`: the calls."""
    library = "cmsis" if uses_cmsis(schedule, kernels) else "c"
    upper, one = name.upper(), "frame" if schedule.frames else "sample"
    boxes = any(isinstance(step, Convolve | Pool) for step in _every_step(schedule))
    moves = [f" {pointer} += {upper}_{size}" for pointer, size in _strides(schedule)]
    body = _body(schedule, name, trace=True)
    includes = ["nn_boxes.h"] if boxes else []
    if not schedule.fixed:
        includes.append("nn_strided.h")
    includes = [*includes, "nn_fixed.h", f"nn_kernels_{library}.h", "nn_ring.h"]
    return f"""{_top(f"{name}: what is done with each {one}.", banner)}
#include "{name}.h"

{_lines(f'#include "{file}"' for file in sorted(includes))}

#include "{name}_weights.h"

/* Define NN_TRACE to see every value as it is made: its index in {upper}_VALUES, a pointer to it, its numbers. */
#ifndef NN_TRACE
#define NN_TRACE(index, pointer, count) ((void)0)
#endif

typedef char {name}_state_bytes_are_right[sizeof({name}_t) == {upper}_STATE_BYTES ? 1 : -1];

{_lines(_bodies(schedule, name))}
void {name}_reset({name}_t *s)
{{
{_lines(_resets(schedule, name))}
}}

void {name}_init({name}_t *s)
{{
    {name}_reset(s);
}}
{_rest(schedule, name)}
void {name}_process({_parameters(schedule, name)})
{{
{_lines([*_scratch(schedule, body), "    (void)s;"])}
    for (; samples != 0; samples--,{",".join(moves)}) {{
{_lines(body)}
    }}
}}
"""


def _strides(schedule: Schedule) -> Iterator[tuple[str, str]]:
    for word, key, ports in (("in", "INPUTS", schedule.inputs), ("out", "OUTPUTS", schedule.outputs)):
        for number in range(len(ports)):
            yield (f"{word}{number}", f"{key}_{number}") if len(ports) > 1 else (word, key)


def _every_step(schedule: Schedule) -> Iterator[Step]:
    yield from schedule.steps
    for scan in schedule.scans:
        yield from _every_step(scan.body)


def _scratch(schedule: Schedule, calls: Iterable[str]) -> list[str]:
    """The declarations of the scratch areas that some calls use."""
    text = "\n".join(calls)
    used = {ctype: size for ctype, size in schedule.scratch.items() if SCRATCH[ctype] in text}
    if schedule.scratch_in_state:
        return [f"    {ctype} *const {SCRATCH[ctype]} = s->{SCRATCH[ctype]};" for ctype in used]
    return [f"    {ctype} {SCRATCH[ctype]}[{size}];" for ctype, size in used.items()]


def _body(schedule: Schedule, prefix: str, *, trace: bool = False) -> list[str]:
    caller, body = Caller(schedule, prefix), []
    for index in range(-1, len(schedule.steps)):
        if index >= 0:
            body += [f"        {line}" for line in caller.call(schedule.steps[index])]
        for number, value in enumerate(schedule.values if trace else ()):
            if value.after == index:
                body.append(f"        NN_TRACE({number}, {caller.at(value.place)}, {value.place.size});")
    return body


def _bodies(schedule: Schedule, prefix: str) -> list[str]:
    """The functions of the bodies that a schedule runs, innermost first."""
    caller, lines = Caller(schedule, prefix), []
    for scan in schedule.scans:
        name, body = f"{prefix}_{caller.scan(scan)}", scan.body
        (given,), (result,) = body.inputs, body.outputs
        calls = _body(body, name)
        lines += _bodies(body, name)
        lines.append(
            f"""static void {name}_reset({name}_t *s)
{{
{_lines(_resets(body, name))}
}}

static void {name}_process({name}_t *s, const float *from, ptrdiff_t in_step, float *to, ptrdiff_t out_step,
                           ptrdiff_t samples)
{{
{_lines([*_scratch(body, calls), "    (void)s;"])}
    for (ptrdiff_t sample = 0; sample < samples; sample++) {{
        const {given.place.ctype} *const in = from + sample * in_step;
        {result.place.ctype} *const out = to + sample * out_step;
        (void)in;
{_lines(calls)}
    }}
}}
"""
        )
    return lines


def _resets(schedule: Schedule, prefix: str) -> list[str]:
    if not schedule.rings:
        return ["    (void)s;"]
    return [f"    {_filled(ring, prefix, 'initial', ring.initial)}" for ring in schedule.rings]


def _filled(ring: Ring, prefix: str, what: str, sample: np.ndarray) -> str:
    table = f"{prefix}_{ring.name}_{what}" if sample.any() else "NULL"
    member = f"s->ring_{ring.name}, &s->at_{ring.name}"
    return f"nn_ring_fill_{SUFFIX[ring.ctype]}({member}, {table}, {ring.length}, {ring.channels});"


def _rest(schedule: Schedule, name: str) -> str:
    """The functions that begin a stream at rest: by the steps, each once where nothing recurs; for silence from
    constants where they are known."""
    if not schedule.rings:
        return ""
    caller = Caller(schedule, name)
    steps = [line for step in schedule.rest for line in caller.call(step, resting=True)]
    once = schedule.receptive_field is not None
    pointers = _pointers(schedule, inputs_only=True)
    unused = [f"    (void){pointer.rpartition('*')[2]};" for pointer in pointers]
    if once:
        inner = [*(f"    {line}" for line in steps), "    (void)moves;", "    return 0;"]
        silence = [f"    {_filled(ring, name, 'silence', ring.silence)}" for ring in schedule.rings] + ["    return 0;"]
    else:
        inner = [f"    for (int step = 0; step < {MOST_STEPS_TO_REST}; step++) {{", "        moves = 0;"]
        inner += [*(f"        {line}" for line in steps), "        if (!moves) {", "            return 0;", "        }"]
        inner += ["    }", f"    {name}_reset(s);", "    return 1;"]
        most = max(port.place.size for port in schedule.inputs)
        zeros = ", ".join(["s", *["zeros"] * len(schedule.inputs)])
        silence = [f"    static const {schedule.inputs[0].place.ctype} zeros[{most}] = {{0}};"]
        silence.append(f"    return {name}_reset_to_rest({zeros});")
    return f"""
int {name}_reset_to_rest({", ".join([f"{name}_t *s", *pointers])})
{{
{_lines([*_scratch(schedule, steps), "    int moves = 0;", *unused, f"    {name}_reset(s);", *inner])}
}}

int {name}_reset_to_silence({name}_t *s)
{{
{_lines(silence)}
}}
"""


def weights(schedule: Schedule, name: str, banner: Sequence[str], kernels: Kernels) -> bytes:
    """`<name>_weights.h`: every table of constants."""
    upper, text = name.upper(), BytesIO()
    text.write(
        f"""{_top(f"{name}: weights, for {name}.c alone.", banner)}
#ifndef {upper}_WEIGHTS_H
#define {upper}_WEIGHTS_H

#include <stdint.h>

""".encode()
    )
    for piece in _tables(schedule, name, kernels):
        text.write(piece)
    text.write(b"\n#endif\n")
    return text.getvalue()


def _tables(schedule: Schedule, prefix: str, kernels: Kernels) -> Iterator[bytes]:
    for ring in schedule.rings:
        for what, sample in (("initial", ring.initial), ("silence", ring.silence)):
            if sample is not None and sample.any():
                yield from numbers.table(f"{prefix}_{ring.name}_{what}", ring.ctype, sample)
    for name, array in schedule.constants.items():
        yield from numbers.table(f"{prefix}_{name}_value", "float", array)
    for step in schedule.steps:
        table = f"{prefix}_{step.name}"
        match step:
            case Product():
                packed = pack(step.weights, step.accumulator, kernels)
                yield f"/* {step.name}: {step.weights.shape[0]} inputs, {step.weights.shape[1]} outputs */\n".encode()
                yield from numbers.table(f"{table}_weights", step.source.ctype, packed)
                yield from numbers.table(f"{table}_bias", step.accumulator, step.bias)
            case Convolve():
                groups, rows, columns = step.kernel.shape
                yield f"/* {step.name}: {groups} groups of {rows} inputs, {columns} filters */\n".encode()
                packed = (
                    [step.kernel.swapaxes(0, 1).ravel()]
                    if step.depthwise
                    else [pack(group, "float", kernels) for group in step.kernel]
                )
                yield from numbers.table(f"{table}_weights", "float", np.concatenate(packed))
                yield from numbers.table(f"{table}_bias", "float", step.bias)
            case ScaleShift():
                yield from numbers.table(f"{table}_scale", "float", step.scale)
                yield from numbers.table(f"{table}_shift", "float", step.shift)
            case Lookup():
                yield from numbers.table(f"{table}_table", "float", step.table)
        if isinstance(step, Convolve | Pool):
            yield f"static const nn_boxes {table}_boxes = {_boxes(step.boxes)};\n".encode()
        if needs_axes(step):
            yield _axes(axes_name(table, step), step).encode()
    for scan in schedule.scans:
        yield from _tables(scan.body, f"{prefix}_{Caller(schedule, prefix).scan(scan)}", kernels)


def _boxes(boxes: Boxes) -> str:
    pairs = (boxes.space, boxes.steps, boxes.taps, boxes.strides, boxes.dilation, boxes.before)
    return "{" + ", ".join(f"{{{rows}, {columns}}}" for rows, columns in pairs) + "}"


def _axes(name: str, step: Step) -> str:
    steps = [*step.walk.steps, *[(0,) * step.walk.rank] * (3 - len(step.walk.steps))]
    rows = [
        f"{{{count}, {{{', '.join(map(str, own))}}}}}" for count, *own in zip(step.walk.counts, *steps, strict=True)
    ]
    return f"static const nn_axis {name}[{step.walk.rank}] = {{{', '.join(rows)}}};\n"


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


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _continued(lines: Sequence[str]) -> str:
    return f" {chr(92)}{chr(10)}".join(lines)


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
