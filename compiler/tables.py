"""Tables in plain text."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from compiler.boards import BOARDS, DEFAULT, Board
from compiler.ir.graph import Graph
from compiler.ir.values import Value
from compiler.verification import Check

MOST_NUMBERS = 4  # that anyone types
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
    """What a build takes, one figure a line, those that are known: load, then memory, then the rest."""
    processor = _board(report).processor
    shown = {
        "instructions_per_sample": f"{processor} instructions a sample (instructions, not cycles)",
        "instructions_per_frame": f"{processor} instructions a frame (instructions, not cycles)",
        "cycles_per_sample": "clock cycles a sample",
        "multipliers": "multipliers",
        "macs_per_sample": "multiply-accumulates a sample",
        "macs_per_frame": "multiply-accumulates a frame",
        "macs_per_block": "multiply-accumulates a block, of the controls",
        "flash_bytes": "bytes of flash",
        "ram_bytes": "bytes of RAM",
        "stack_bytes": "bytes of stack",
        "weights_bytes": "bytes of weights",
        "state_bytes": "bytes of state",
        "receptive_field": "samples of receptive field",
        "snr_db": "dB of output over rounding error",
    }
    lines = [(f"{round(report[key], 1):,}", text) for key, text in shown.items() if report.get(key) is not None]
    lines = [line for line in lines if line != ("0", shown["macs_per_block"])]
    return "\n".join(f"{value:>12}  {text}" for value, text in _load(report) + lines)


def _board(report: Mapping[str, Any]) -> Board:
    """What counted the instructions."""
    return BOARDS[report.get("options", {}).get("board") or DEFAULT]


def _load(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What share of a processor, or of the clock, one stream takes."""
    rate, clock = report.get("sample_rate_hz"), report.get("clock_hz")
    instructions, cycles = report.get("instructions_per_sample"), report.get("cycles_per_sample")
    if rate and instructions:
        board = _board(report)
        what = f"of a {board.processor} at {board.clock_hz // 10**6} MHz if an instruction took a cycle"
        return [(f"{instructions * rate / board.clock_hz:.1%}", f"{what}, at {rate:,} samples a second")]
    if rate and clock and cycles:
        return [(f"{cycles / (clock // rate):.1%}", f"of the clock cycles there are for a sample, {clock // rate:,}")]
    return []


def heading(folder: Path, report: Mapping[str, Any]) -> str:
    """Where a build is, and what it is, in one line."""
    numbers = "fixed point" if report["numbers"] == "fixed" else "floating point"
    kernels = {"cmsis": "CMSIS-DSP", "cortex-m7": "assembly for the Cortex-M7"}.get(report["kernels"], "plain C")
    what = f"C in {numbers}, its kernels {kernels}" if report["target"] == "mcu" else f"Verilog in {numbers}"
    return f"{folder}: {report['name']}, {what}"


def next_command(folder: Path, graph: Graph, place: str, *, verified: bool) -> str:
    """What to type after a compilation, with an input for each of the model's."""
    build = shlex.quote(str(folder))
    if not verified:
        return f"next: python -m compiler.verify {build}"
    given = [(value.layer, _example(graph, value)) for value in graph.inputs]
    inputs = [x for _, x in given] if len(given) == 1 else [shlex.quote(f"{layer}={x}") for layer, x in given]
    several = len(graph.outputs) > 1
    y = "y.npz" if several else f"y.{_kind(graph, graph.outputs[0])}"
    return f"next: python -m compiler.run {build} --input {' --input '.join(inputs)} --output {y} --on {place}"


def _example(graph: Graph, value: Value) -> str:
    if value.name in graph.controls and value.size <= MOST_NUMBERS:
        return ",".join(["0.5"] * value.size)
    return f"{value.layer if len(graph.inputs) > 1 else 'x'}.{_kind(graph, value)}"


def _kind(graph: Graph, value: Value) -> str:
    """The kind of file that such a value is likely to come in: one or two channels are sound."""
    sound = graph.mode == "stream" and value.name not in graph.controls and value.shape in ((1,), (2,))
    return "wav" if sound else "npy"
