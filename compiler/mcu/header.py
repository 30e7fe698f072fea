"""Schedule -> `<name>.h`: the interface of a build."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from compiler.mcu import literals, text
from compiler.mcu.calls import SCRATCH, Caller
from compiler.mcu.places import BYTES
from compiler.mcu.schedule import Port, Schedule
from compiler.mcu.text import MOST_STEPS_TO_REST


def header(schedule: Schedule, name: str, banner: Sequence[str], sample_rate_hz: int | None) -> str:
    """`<name>.h`: the interface."""
    upper = name.upper()
    defines = [
        line
        for comment, values in _constants(schedule, name, sample_rate_hz)
        for line in (
            "",
            *_comment(comment),
            *(f"#define {upper}_{key} {literals.int_literal(value)}" for key, value in values.items()),
        )
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
    over = "whole frames" if schedule.frames else "a stream, sample by sample"
    return f"""{text.top(f"{name}: a neural network that computes {over}.", banner)}
{text.lines(_comment(_how_to_use(schedule, name)))}
#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{text.lines(defines[1:])}

/* One number of an input, and one of an output. */
typedef {schedule.inputs[0].place.ctype} {name}_in_t;
typedef {schedule.outputs[0].place.ctype} {name}_out_t;

{text.lines(_types(schedule, name, _what_state(schedule)))}

/* Where a state lies, as in `{upper}_STATE_SECTION static {name}_t net;`: define it as an attribute. */
#ifndef {upper}_STATE_SECTION
#define {upper}_STATE_SECTION
#endif

/* Makes the state usable. Call it once, before anything else. */
void {name}_init({name}_t *s);

/* Forgets the past: afterwards the state is as after {name}_init. */
void {name}_reset({name}_t *s);
{_rest_interface(schedule, name)}
{_process_interface(schedule, name)}
void {name}_process({text.parameters(schedule, name)});

/* The inputs and outputs as a list, for code that fits any network: IN is called for each input, OUT for each output,
   with its index, its name, how many numbers it has, and their shape. */
#define {upper}_PORTS(IN, OUT) {chr(92)}
{_continued(ports)}

/* The values that exist in memory, for the hook NN_TRACE in {name}.c: X is called for each, with its index, its name,
   its type, how many numbers it has, and their shape. */
#define {upper}_VALUES(X) {chr(92)}
{_continued(table)}

#ifdef __cplusplus
}}
#endif
#endif
"""


def _how_to_use(schedule: Schedule, name: str) -> str:
    """The first comment: what to do with the files beside the header."""
    flags = "" if schedule.fixed else " Do not use -Ofast or -ffast-math: the sources refuse them."
    return f"Compile {name}.c with -O2 -ffp-contract=off and link it.{flags}"


def _constants(schedule: Schedule, name: str, sample_rate_hz: int | None) -> Iterator[tuple[str, dict[str, int]]]:
    """The constants of the interface in groups: what a comment above says, and the values by key."""
    one = "frame" if schedule.frames else "sample"
    for key, word, ports in (("INPUTS", "input", schedule.inputs), ("OUTPUTS", "output", schedule.outputs)):
        if len(ports) == 1:
            yield f"How many numbers one {one} of the {word} has.", {key: ports[0].place.size}
        elif ports:
            sizes = {f"{key}_{number}": port.place.size for number, port in enumerate(ports)}
            yield f"How many numbers one {one} of each {word} has.", sizes
    fractions = {"FIXED": int(schedule.fixed)}
    fractions |= _fractions("IN_FRACTION", schedule.inputs) | _fractions("OUT_FRACTION", schedule.outputs)
    if schedule.fixed:
        yield "1: numbers are integers, each of which stands for integer * 2^-fraction with these fractions.", fractions
    else:
        yield "0: numbers are floating point, and the fractions mean nothing.", fractions
    controls = sum(1 << number for number, port in enumerate(schedule.inputs) if port.per_block)
    what = "Which inputs are controls, such as knobs: bit i is set if input i has one value for a whole call."
    yield what, {"CONTROLS": controls}
    field = schedule.receptive_field
    reach = f"one {one} of output depends on all {one}s of input before it"
    reach = f"How many {one}s of input one {one} of output depends on." if field else f"0: {reach}."
    yield reach, {"RECEPTIVE_FIELD": field or 0}
    warm_up = f"How many {one}s the output has at its beginning that the model in Keras does not have: skip them."
    yield warm_up, {"WARM_UP": schedule.warm_up}
    if len({port.warm_up for port in schedule.outputs}) > 1:
        each = {f"WARM_UP_{number}": port.warm_up for number, port in enumerate(schedule.outputs)}
        yield "The same for each output by itself.", each
    yield f"The input-to-output latency in {one}s.", {"LATENCY": 0}
    scratch = schedule.struct_bytes - schedule.state_bytes
    memory = f"; {scratch} bytes of it are working memory" if scratch > 4 else ""
    yield f"The size of {name}_t in bytes{memory}.", {"STATE_BYTES": schedule.struct_bytes}
    yield "The sample rate the model was compiled for in Hz; 0 if none was given.", {"SAMPLE_RATE": sample_rate_hz or 0}


def _fractions(key: str, ports: Sequence[Port]) -> dict[str, int]:
    """One for all where all are alike, as in floating point; else one for each."""
    each = [port.fraction for port in ports] or [0]
    return {key: each[0]} if len(set(each)) == 1 else {f"{key}_{number}": own for number, own in enumerate(each)}


def _comment(words: str) -> list[str]:
    """A comment of one line, or of several of the usual length."""
    lines = textwrap.wrap(
        f"/* {words}\0*/", 112, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]


def _what_state(schedule: Schedule) -> str:
    if schedule.frames:
        return "/* The memory that the network works in. Nothing in it outlasts a frame. Use one for each thread. */"
    return "/* What the network remembers between samples. Put it where you like. Use one for each stream. */"


def _types(schedule: Schedule, prefix: str, comment: str) -> list[str]:
    """The state of a schedule, behind those of the bodies it runs."""
    caller, lines = Caller(schedule, prefix), []
    for scan in schedule.scans:
        lines += [*_types(scan.body, f"{prefix}_{caller.scan(scan)}", f"/* Of {scan.name}. */"), ""]
    members = [f"    uint32_t at_{ring.name};" for ring in schedule.rings]
    for ring in sorted(schedule.rings, key=lambda ring: -BYTES[ring.ctype]):  # so that none begins between two words
        size = f"{ring.length} samples of {ring.channels}"
        members.append(f"    {ring.ctype} ring_{ring.name}[{ring.size}]; /* {size} */")
    if schedule.scratch_in_state:
        widest = sorted(schedule.scratch.items(), key=lambda area: -BYTES[area[0]])  # first: then nothing lies between
        members += [f"    {ctype} {SCRATCH[ctype]}[{size}];" for ctype, size in widest]
    if schedule.scans:
        members.append("    union {")
        members += [f"        {prefix}_{caller.scan(scan)}_t {caller.scan(scan)};" for scan in schedule.scans]
        members.append("    } scans;")
    return [*lines, comment, "typedef struct {", *(members or ["    uint32_t nothing;"]), f"}} {prefix}_t;"]


def _process_interface(schedule: Schedule, name: str) -> str:
    upper, single = name.upper(), len(schedule.inputs) == len(schedule.outputs) == 1
    said = ["Computes the next frames." if schedule.frames else "Computes the next samples."]
    if schedule.frames:
        said.append("Each frame is whole, in C order, and independent of the others.")
    elif single:
        said.append(f"They are interleaved: in[sample][{upper}_INPUTS], out[sample][{upper}_OUTPUTS].")
    else:
        said.append("Each input and output is interleaved: [sample][number].")
    if single:
        said.append("`in` and `out` may be the same memory if both have as many numbers of the same type.")
    else:
        said.append("Several inputs or outputs stand in the order of the model. No output may overlap an input.")
    if not schedule.frames:
        said.append("Any number of samples will do; results do not depend on how a stream is cut into calls.")
    per_block = [f"`in{number}`" for number, port in enumerate(schedule.inputs) if port.per_block]
    if per_block:
        controls = f"{per_block[0]} is a control" if len(per_block) == 1 else f"{', '.join(per_block)} are controls"
        said.append(f"{controls}: give one value for all samples of a call. What depends on controls alone is computed")
        said.append("once a call.")
    return text.lines(_comment(" ".join(said)))


def _rest_interface(schedule: Schedule, name: str) -> str:
    if not schedule.rings:
        return ""
    held = any(port.per_block for port in schedule.inputs)
    said = ["Settles the network: afterwards the state is as if this sample had come in for ever"]
    said[0] += ", with these controls," if held else ","
    said.append("so that a stream that goes on from there starts without a click.")
    said.append("Returns 0; or another number if the network does not settle")
    said[-1] += f" within {MOST_STEPS_TO_REST} steps:" if schedule.receptive_field is None else ":"
    said.append("the state is as after a reset then.")
    reach = f"{name.upper()}_RECEPTIVE_FIELD"
    if schedule.receptive_field is not None:
        said.append(f"After a NaN has come in, results are numbers again {reach} samples later.")
    else:
        said.append("After a NaN has come in, results stay NaN until the state is reset.")
    zeros = "Settles the network on silence: the same for a sample of zeros"
    zeros += ", the controls among them" if held else ""
    zeros += ", from constants." if schedule.receptive_field is not None else "."
    function = ", ".join([f"{name}_t *s", *text.pointers(schedule, inputs_only=True)])
    return f"""
{text.lines(_comment(" ".join(said)))}
int {name}_reset_to_rest({function});

{text.lines(_comment(zeros))}
int {name}_reset_to_silence({name}_t *s);
"""


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _continued(lines: Sequence[str]) -> str:
    return f" {chr(92)}{chr(10)}".join(lines)
