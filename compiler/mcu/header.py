"""Schedule -> `<name>.h`: the interface of a build."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.mcu import literals, text
from compiler.mcu.calls import SCRATCH, Caller
from compiler.mcu.schedule import Port, Schedule
from compiler.mcu.text import MOST_STEPS_TO_REST

CONTROLS = "bit i: input i stands still for a whole call, which is given it once"


def header(schedule: Schedule, name: str, banner: Sequence[str], sample_rate_hz: int | None) -> str:
    """`<name>.h`: the interface."""
    upper, one = name.upper(), "frame" if schedule.frames else "sample"
    fixed = "Q numbers: integer * 2^-fraction." if schedule.fixed else "Floating point; its fractions are 0."
    scratch = schedule.struct_bytes - schedule.state_bytes
    memory = f", {scratch} bytes of it for working" if scratch > 4 else ""
    field = schedule.receptive_field
    reach = f"{one}s in that one {one} out depends on" if field else "0: one sample out depends on all before it"
    constants: dict[str, tuple[int, str]] = {
        **_sizes("INPUTS", schedule.inputs, f"numbers in one {one} in"),
        **_sizes("OUTPUTS", schedule.outputs, f"numbers in one {one} out"),
        "FIXED": (int(schedule.fixed), fixed),
        "IN_FRACTION": (schedule.inputs[0].fraction if schedule.inputs else 0, "bits behind the binary point"),
        "OUT_FRACTION": (schedule.outputs[0].fraction, ""),
        "CONTROLS": (sum(1 << number for number, port in enumerate(schedule.inputs) if port.per_block), CONTROLS),
        "RECEPTIVE_FIELD": (field or 0, reach),
        "WARM_UP": (schedule.warm_up, f"{one}s out at the beginning that the model does not give"),
        **_warm_ups(schedule.outputs),
        "LATENCY": (0, f"{one}s from one in to the one out that belongs to it"),
        "STATE_BYTES": (schedule.struct_bytes, f"sizeof({name}_t){memory}"),
        "SAMPLE_RATE": (sample_rate_hz or 0, "Hz; 0: not told"),
    }
    defines = [
        f"#define {upper}_{key} {literals.int_literal(v)}{f' /* {text} */' if text else ''}"
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
    return f"""{text.top(f"{name}: a neural network over {over}.", banner)}
#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{text.lines(defines)}

typedef {schedule.inputs[0].place.ctype} {name}_in_t;
typedef {schedule.outputs[0].place.ctype} {name}_out_t;

{text.lines(_types(schedule, name, _what_state(schedule)))}

/* Before the first {one}. */
void {name}_init({name}_t *s);

/* Forgets the past: as after init. */
void {name}_reset({name}_t *s);
{_rest_interface(schedule, name)}
{_process_interface(schedule, name)}
void {name}_process({text.parameters(schedule, name)});

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


def _warm_ups(outputs: Sequence[Port]) -> dict[str, tuple[int, str]]:
    """Where the outputs differ in it, the warm-up of each."""
    if len({port.warm_up for port in outputs}) == 1:
        return {}
    text = "the same for each output"
    return {f"WARM_UP_{number}": (port.warm_up, "" if number else text) for number, port in enumerate(outputs)}


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
        return f"/* The next `frames` frames, each whole and in C order, none knowing of another.{many}{alias} */"
    layout = f" in[sample][{upper}_INPUTS], out[sample][{upper}_OUTPUTS]." if single else many
    per_block = [f"in{number}" for number, port in enumerate(schedule.inputs) if port.per_block]
    if per_block:
        controls = f"{per_block[0]} is a control" if len(per_block) == 1 else f"{', '.join(per_block)} are controls"
        alias += f"\n   {controls}: one value for all samples of a call. What depends on controls alone is"
        alias += " computed\n   once a call."
    return f"""/* The next `samples` samples, interleaved:{layout} Any number
   will do, and however a stream is cut into calls, the bits that come out are the same.{alias} */"""


def _rest_interface(schedule: Schedule, name: str) -> str:
    if not schedule.rings:
        return ""
    per_block = any(port.per_block for port in schedule.inputs)
    controls = "\n   and with these controls" if per_block else ""
    zeros = ", those of the controls among them" if per_block else ""
    limit = "" if schedule.receptive_field else f" It is\n   looked for in at most {MOST_STEPS_TO_REST} steps."
    return f"""
/* As if this sample had come in for ever, so that a stream that goes on with it{controls} starts without a jump.{limit}
   0; or, where that leads to no fixed state, another number, and the state is as after reset. A NaN that has come
   in leaves a state without recurrence after {name.upper()}_RECEPTIVE_FIELD samples, others by a reset. */
int {name}_reset_to_rest({", ".join([f"{name}_t *s", *text.pointers(schedule, inputs_only=True)])});

/* The same for zeros{zeros}{", from constants" if schedule.receptive_field else ""}. */
int {name}_reset_to_silence({name}_t *s);
"""


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _continued(lines: Sequence[str]) -> str:
    return f" {chr(92)}{chr(10)}".join(lines)
