"""What the printers of C share: comments, lines, the parameters of a build's functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compiler.mcu.schedule import Schedule

MOST_STEPS_TO_REST = 10_000


def pointers(schedule: Schedule, *, inputs_only: bool = False) -> list[str]:
    """The caller's inputs and outputs as parameters, numbered where there are several."""
    found = []
    for word, ports, const in (("in", schedule.inputs, "const "), ("out", schedule.outputs, "")):
        if not (inputs_only and word == "out"):
            found += [
                f"{const}{port.place.ctype} *{word}{number if len(ports) > 1 else ''}"
                for number, port in enumerate(ports)
            ]
    return found


def parameters(schedule: Schedule, name: str) -> str:
    """Those of process."""
    return ", ".join([f"{name}_t *s", *pointers(schedule), f"size_t {counted(schedule)}"])


def counted(schedule: Schedule) -> str:
    """What process takes one or more of."""
    return "frames" if schedule.frames else "samples"


def comment(line: str) -> str:
    """A line that is safe inside a comment, whoever wrote it."""
    return (
        "".join(c if c.isprintable() and c.isascii() else "?" for c in line)
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .replace("\\", "/")
    )


def top(what: str, banner: Sequence[str]) -> str:
    """How a generated file begins."""
    return lines(f"/* {line} */" for line in (what, "SPDX-License-Identifier: 0BSD", *map(comment, banner)))


def lines(texts: Iterable[str]) -> str:
    """One below the other."""
    return "\n".join(texts)
