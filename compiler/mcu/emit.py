"""Schedule -> `<name>.c` and what compiles it. It only prints: every decision stands in the steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from compiler.mcu import assembly, runtime, text
from compiler.mcu.calls import SCRATCH, SUFFIX, Caller
from compiler.mcu.packing import Kernels
from compiler.mcu.places import Ring
from compiler.mcu.schedule import Schedule, Traced
from compiler.mcu.text import MOST_STEPS_TO_REST


def source(
    schedule: Schedule, name: str, banner: Sequence[str], kernels: Kernels, products: Sequence[assembly.Product] = ()
) -> str:
    """`<name>.c`: the calls."""
    upper, one = name.upper(), "frame" if schedule.frames else "sample"
    moves = [f" {pointer} += {upper}_{size}" for pointer, size in _strides(schedule)]
    caller, count = Caller(schedule, name, kernels, name if products else None), text.counted(schedule)
    per_block, body = _per_block(caller), _body(caller, trace=True)
    return f"""{text.top(f"{name}: what is done with each {one}.", banner)}
#include "{name}.h"

{text.lines(_sections(upper))}

{text.lines(f'#include "{file}"' for file in runtime.includes(schedule, kernels))}

#include "{name}_weights.h"

/* Define NN_TRACE to see every value as it is made: its index in {upper}_VALUES, a pointer to it, its numbers. */
#ifndef NN_TRACE
#define NN_TRACE(index, pointer, count) ((void)0)
#endif

typedef char {name}_state_bytes_are_right[sizeof({name}_t) == {upper}_STATE_BYTES ? 1 : -1];

{text.lines(assembly.declarations(name, products))}{text.lines(_bodies(caller, f"{upper}_CODE_SECTION"))}
{upper}_CODE_SECTION void {name}_reset({name}_t *s)
{{
{text.lines(_resets(schedule, name))}
}}

{upper}_CODE_SECTION void {name}_init({name}_t *s)
{{
    {name}_reset(s);
}}
{_rest(caller)}
{upper}_CODE_SECTION void {name}_process({text.parameters(schedule, name)})
{{
{text.lines([*_scratch(schedule, [*per_block, *body]), "    (void)s;", *per_block])}
    for (; {count} != 0; {count}--,{",".join(moves)}) {{
{text.lines(body)}
    }}
}}
"""


def _sections(upper: str) -> list[str]:
    """The macros for where code and tables lie, which a user may have defined."""
    return [
        "/* Define these, with -D, as attributes that put code and tables into sections of your linker's script. */",
        f"#ifndef {upper}_CODE_SECTION",
        f"#define {upper}_CODE_SECTION",
        "#endif",
        "#ifndef NN_CODE_SECTION",
        f"#define NN_CODE_SECTION {upper}_CODE_SECTION",
        "#endif",
        f"#ifndef {upper}_WEIGHTS_SECTION",
        f"#define {upper}_WEIGHTS_SECTION",
        "#elif !defined(NN_TABLES_IN_PLACE)",
        "#define NN_TABLES_IN_PLACE",
        "#endif",
    ]


def _strides(schedule: Schedule) -> Iterator[tuple[str, str]]:
    for word, key, ports in (("in", "INPUTS", schedule.inputs), ("out", "OUTPUTS", schedule.outputs)):
        for number, port in enumerate(ports):
            if not port.per_block:
                yield (f"{word}{number}", f"{key}_{number}") if len(ports) > 1 else (word, key)


def _scratch(schedule: Schedule, calls: Iterable[str]) -> list[str]:
    """The declarations of the scratch areas that some calls use."""
    together = text.lines(calls)
    used = {ctype: size for ctype, size in schedule.scratch.items() if SCRATCH[ctype] in together}
    if schedule.scratch_in_state:
        return [f"    {ctype} *const {SCRATCH[ctype]} = s->{SCRATCH[ctype]};" for ctype in used]
    return [f"    {ctype} {SCRATCH[ctype]}[{size}];" for ctype, size in used.items()]


def _per_block(caller: Caller) -> list[str]:
    """What is done once a call, unless it is one of no samples, for which the pointers may be any."""
    schedule = caller.schedule
    calls = [f"    {line}" for step in schedule.steps[: schedule.steps_per_block] for line in caller.call(step)]
    return [f"    if ({text.counted(schedule)} == 0) {{", "        return;", "    }", *calls] if calls else []


def _body(caller: Caller, *, trace: bool = False) -> list[str]:
    """What is done with each sample."""
    schedule, body, first = caller.schedule, [], caller.schedule.steps_per_block
    made: dict[int, list[tuple[int, Traced]]] = {}
    for number, value in enumerate(schedule.values if trace else ()):
        made.setdefault(value.after, []).append((number, value))
    for index in range(first - 1, len(schedule.steps)):
        if index >= first:
            body += [f"        {line}" for line in caller.call(schedule.steps[index])]
        for number, value in made.get(index, ()):
            body.append(f"        NN_TRACE({number}, {caller.at(value.place)}, {value.place.size});")
    return body


def _bodies(outer: Caller, where: str) -> list[str]:
    """The functions of the bodies that a schedule runs, innermost first; `where` is a macro with their section."""
    lines = []
    for scan in outer.schedule.scans:
        name, body = f"{outer.prefix}_{outer.scan(scan)}", scan.body
        caller = Caller(body, name, outer.kernels, outer.assembly)
        (given,), (result,) = body.inputs, body.outputs
        calls = _body(caller)
        lines += _bodies(caller, where)
        lines.append(
            f"""{where} static void {name}_reset({name}_t *s)
{{
{text.lines(_resets(body, name))}
}}

{where} static void {name}_process({name}_t *s, const float *from, ptrdiff_t in_step, float *to, ptrdiff_t out_step,
                           ptrdiff_t samples)
{{
{text.lines([*_scratch(body, calls), "    (void)s;"])}
    for (ptrdiff_t sample = 0; sample < samples; sample++) {{
        const {given.place.ctype} *const in = from + sample * in_step;
        {result.place.ctype} *const out = to + sample * out_step;
        (void)in;
{text.lines(calls)}
    }}
}}
"""
        )
    return lines


def _resets(schedule: Schedule, prefix: str) -> list[str]:
    if not schedule.rings:
        return ["    (void)s;"]
    return [f"    {_filled(ring, prefix, 'initial', ring.initial)}" for ring in schedule.rings]


def _filled(ring: Ring, prefix: str, what: str, numbers: np.ndarray) -> str:
    table = f"{prefix}_{ring.name}_{what}" if numbers.any() else "NULL"
    member = f"s->ring_{ring.name}, &s->at_{ring.name}"
    return f"nn_ring_fill_{SUFFIX[ring.ctype]}({member}, {table}, {ring.length}, {ring.channels});"


def _rest(caller: Caller) -> str:
    """The functions that begin a stream at rest: by the steps, each once where nothing recurs; for silence from
    constants where they are known."""
    schedule, name = caller.schedule, caller.prefix
    if not schedule.rings:
        return ""
    steps = [line for step in schedule.rest for line in caller.call(step, resting=True)]
    once = schedule.receptive_field is not None
    pointers = text.pointers(schedule, inputs_only=True)
    unused = [f"    (void){pointer.rpartition('*')[2]};" for pointer in pointers]
    if once:
        inner = [*(f"    {line}" for line in steps), "    (void)moves;", "    return 0;"]
        silence = [f"    {_filled(ring, name, 'silence', np.array(ring.silence))}" for ring in schedule.rings]
        silence.append("    return 0;")
    else:
        inner = [f"    for (int step = 0; step < {MOST_STEPS_TO_REST}; step++) {{", "        moves = 0;"]
        inner += [*(f"        {line}" for line in steps), "        if (!moves) {", "            return 0;", "        }"]
        inner += ["    }", f"    {name}_reset(s);", "    return 1;"]
        most = max(port.place.size for port in schedule.inputs)
        zeros = ", ".join(["s", *["zeros"] * len(schedule.inputs)])
        silence = [f"    static const {schedule.inputs[0].place.ctype} zeros[{most}] = {{0}};"]
        silence.append(f"    return {name}_reset_to_rest({zeros});")
    return f"""
{name.upper()}_CODE_SECTION int {name}_reset_to_rest({", ".join([f"{name}_t *s", *pointers])})
{{
{text.lines([*_scratch(schedule, steps), "    int moves = 0;", *unused, f"    {name}_reset(s);", *inner])}
}}

{name.upper()}_CODE_SECTION int {name}_reset_to_silence({name}_t *s)
{{
{text.lines(silence)}
}}
"""


def cmake(name: str, banner: Sequence[str], *, assembled: bool = False) -> str:
    """`CMakeLists.txt`: a static library."""
    lines = [
        f"{name}: a neural network as a static library.",
        "SPDX-License-Identifier: 0BSD",
        *map(text.comment, banner),
    ]
    return f"""{text.lines(f"# {line}".rstrip() for line in lines)}
cmake_minimum_required(VERSION 3.13)
project({name} C{" ASM" if assembled else ""})
add_library({name} STATIC {name}.c{f" {name}_products.S" if assembled else ""})
set_target_properties({name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
target_compile_options({name} PRIVATE -ffp-contract=off)
"""
