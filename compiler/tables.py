"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from compiler.verification import Check

CHECK_WIDTHS = (44, 8)


def table(rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows of cells in columns, the first row a heading; columns named in `right` are flush right."""
    flush = set(right)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if i in flush else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([line(rows[0]), "  ".join("-" * width for width in widths), *map(line, rows[1:])])


def check_heading() -> str:
    """The heading above the lines of `check_line`."""
    what, samples = CHECK_WIDTHS
    return f"{'check':{what}}  {'samples':>{samples}}  result"


def check_line(check: Check) -> str:
    """One check as a line; printed as soon as it ends, so that the table is its own progress."""
    what, samples = CHECK_WIDTHS
    return f"{check.what:{what}}  {check.samples:>{samples},}  {'ok' if check.passed else 'FAILED'}: {check.result}"


def summary(report: Mapping[str, Any]) -> str:
    """What a build is, in one line, and its figures, those that were measured."""
    shown = {
        "macs_per_sample": "multiply-accumulates a sample",
        "macs_per_frame": "multiply-accumulates a frame",
        "macs_per_block": "multiply-accumulates a block, of the controls",
        "receptive_field": "samples of receptive field",
        "weights_bytes": "bytes of weights",
        "state_bytes": "bytes of state",
        "instructions_per_sample": "Cortex-M7 instructions a sample (instructions, not cycles)",
        "instructions_per_frame": "Cortex-M7 instructions a frame (instructions, not cycles)",
        "flash_bytes": "bytes of flash",
        "ram_bytes": "bytes of RAM",
        "stack_bytes": "bytes of stack",
        "cycles_per_sample": "clock cycles a sample",
        "multipliers": "multipliers",
        "snr_db": "dB of output over rounding error",
    }
    lines = [(report[key], text) for key, text in shown.items() if report.get(key) is not None]
    lines = [line for line in lines if line != (0, shown["macs_per_block"])]
    return "\n".join(f"{round(value, 1):>12,}  {text}" for value, text in lines)
