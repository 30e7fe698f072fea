"""Instructions per sample of the 465-parameter WaveNet on a Cortex-M7, beside what others need for the same net.

    python -m bench.instructions

Counted by the emulated board, exactly and reproducibly: instructions, not cycles.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler import cli
from compiler.ir import interpreter
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format, rounding_half, signed_width
from compiler.ir.ops import MatMul, Op, Requantize, Unary, Window
from compiler.ir.values import State, Value
from compiler.mcu import runner, runtime, sources
from compiler.mcu.scheduler import make_schedule

SAMPLES = 2000
FILTERS, DILATIONS, TAPS, INPUTS = (4, 4, 4, 8), (1, 4, 16, 64), 4, 3
FORMAT = Format(True, 16, 12)

# Measured with the same compiler, emulator and network; the code is other people's.
OTHERS = (
    ("the original firmware on CMSIS-DSP 1.10.3, -O2", 6126),
    ("RTNeural ModelT, STL, -O3 -ffast-math", 2203),
    ("plain looped C, constant sizes, -O3", 1181),
    ("unrolled C over tiles of 4 samples, gcc -O2 -fno-schedule-insns", 883),
    ("hand-scheduled assembly, sample by sample", 643),
    ("hand-scheduled assembly, tiles of 4 samples", 544),
    ("q15 with SMLAD, C", 667),
    ("q15 with SMLAD, assembly", 461),
)


@dataclass(frozen=True)
class Row:
    """One implementation: instructions a sample, and the sizes of what was built here."""

    what: str
    instructions: float
    flash: int | None = None
    ram: int | None = None
    stack: int | None = None


def wavenet(*, fixed: bool, seed: int = 0) -> Graph:
    """The waveshaper's stream graph with random weights: 465 parameters, 424 multiply-accumulates a sample."""
    random = np.random.default_rng(seed)
    format = FORMAT if fixed else None
    value = x = Value("x", (INPUTS,), "input", format)
    ops: list[Op] = []
    states: list[State] = []

    def product(value: Value, columns: int, relu: bool) -> Value:
        name, rows = f"layer_{len(ops)}", value.size
        weights = random.uniform(-1, 1, (rows, columns)) * np.sqrt(6 / (rows + columns))
        bias = random.uniform(-0.1, 0.1, columns)
        if not fixed:
            sums = Value(f"{name}_sums", (columns,), name)
            ops.append(MatMul(inputs=(value,), output=sums, weights=weights, bias=bias, axes=len(value.shape)))
            if relu:
                ops.append(Unary(inputs=(sums,), output=Value(name, (columns,), name), function="relu"))
            return ops[-1].output
        weights, bias = np.rint(weights * 4096).astype(np.int64), np.rint(bias * 4096**2).astype(np.int64)
        half = rounding_half(12, "half_even")
        reach = int((np.abs(weights).sum(0) * -FORMAT.lo + np.abs(bias)).max()) + half
        sums = Value(f"{name}_sums", (columns,), name, Format(True, signed_width(-reach, reach), 24))
        ops.append(MatMul(inputs=(value,), output=sums, weights=weights, bias=bias, weights_format=FORMAT))
        clamp = {"lo": 0 if relu else FORMAT.lo, "hi": FORMAT.hi}
        output = Value(name, (columns,), name, FORMAT)
        ops.append(Requantize(inputs=(sums,), output=output, shift=12, rounding="half_even", **clamp))
        return output

    for filters, dilation in zip(FILTERS, DILATIONS, strict=True):
        initial = np.zeros(value.size, np.int64 if fixed else np.float64)
        states.append(State(f"{value.name}_past", value, (TAPS - 1) * dilation, initial))
        window = Value(f"{value.name}_window", (TAPS, value.size), value.layer, format)
        ops.append(Window(inputs=(value,), output=window, state=states[-1].name, taps=TAPS, dilation=dilation))
        value = product(product(window, filters, True), filters, True)
    value = product(value, 1, False)
    return Graph("wavenet", "stream", (x,), (value,), tuple(ops), tuple(states))


def measure() -> Iterator[Row]:
    """Builds, checks and counts all four."""
    random = np.random.default_rng(1)
    for fixed in (False, True):
        graph = wavenet(fixed=fixed)
        x = random.uniform(-1, 1, (SAMPLES, INPUTS)).astype(np.float32)
        if fixed:
            x = np.rint(x * 4096).astype(np.int16)
        expected = interpreter.run(graph, x)
        for chosen in ("c", "cmsis") if fixed else ("c", "cmsis", "cortex-m7"):
            kernels = "cmsis" if chosen == "cmsis" else "c"
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                schedule = make_schedule(graph, kernels)
                for file, contents in sources.pieces(
                    schedule, name="wavenet", kernels=kernels, assembled=chosen == "cortex-m7"
                ).items():
                    (folder / file).parent.mkdir(exist_ok=True)
                    (folder / file).write_bytes(contents if isinstance(contents, bytes) else b"".join(contents))
                run = runner.run(folder, graph, x, on="emulator")
                flash, ram = runner.image_size(folder, "wavenet")
            if np.abs(run.y - expected).max() > (0 if fixed else 1e-5):
                raise SystemExit("the emulated Cortex-M7 does not compute what the interpreter does")
            numbers = "16-bit fixed point" if fixed else "float"
            plain = kernels == "cmsis" and runtime.kernels(schedule, kernels) == "c"
            note = ", the default" if chosen == "c" else " (all plain C: 32-bit sums)" if plain else ""
            what = f"this compiler, {numbers}, --kernels {chosen}{note}"
            yield Row(what, run.instructions_per_sample, flash, ram, run.stack_bytes)


def main() -> None:
    """Prints the table."""
    print("The 465-parameter WaveNet on a Cortex-M7, arm-none-eabi-gcc -O2: instructions (not cycles) per sample\n")
    print(f"{'implementation':80}{'instr.':>8}{'flash':>8}{'RAM':>7}{'stack':>7}")
    for row in measure():
        print(f"{row.what:80}{row.instructions:8.0f}{row.flash:8}{row.ram:7}{row.stack:7}")
    for row in sorted((Row(*other) for other in OTHERS), key=lambda row: -row.instructions):
        print(f"{row.what:80}{row.instructions:8.0f}")


if __name__ == "__main__":
    cli.guard(main)
