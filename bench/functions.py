"""Instructions that functions of one number take on a Cortex-M7, each value, loads, stores and loop included.

    python -m bench.functions

Counted by the emulated board for 64 values at a time. Beside them, newlib's own: what a call of its function takes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from compiler import cli
from compiler.ir.functions import FUNCTIONS, PARAMETERS
from compiler.ir.graph import Graph
from compiler.ir.ops import Unary
from compiler.ir.values import Value
from compiler.mcu import runner, sources
from compiler.mcu.scheduler import make_schedule

VALUES, CALLS = 64, 100
# Measured with the same compiler and emulator: tanhf; 1 / (1 + expf(-x)).
NEWLIB = {"tanh": 108, "sigmoid": 44}


def measure(names: tuple[str, ...] = tuple(FUNCTIONS)) -> Iterator[tuple[str, float]]:
    """Each function's name, and its instructions a value."""
    x = np.random.default_rng(0).normal(size=(CALLS, VALUES)).astype(np.float32)
    for name in names:
        source, target = Value("x", (VALUES,), "input"), Value("y", (VALUES,), name)
        parameters = (0.5,) * len(PARAMETERS.get(name, ()))
        op = Unary(inputs=(source,), output=target, function=name, parameters=parameters)
        graph = Graph("net", "stream", (source,), (target,), (op,))
        with tempfile.TemporaryDirectory() as temporary:
            for file, contents in sources.pieces(make_schedule(graph, "c"), name="net").items():
                (Path(temporary) / file).write_bytes(contents if isinstance(contents, bytes) else b"".join(contents))
            run = runner.run(Path(temporary), graph, x, on="emulator")
        yield name, run.instructions_per_sample / VALUES


def main() -> None:
    """Prints the table."""
    print("Functions on a Cortex-M7, arm-none-eabi-gcc -O2: instructions (not cycles) per value\n")
    print(f"{'function':20}{'here':>8}{'newlib':>8}")
    for name, instructions in measure():
        print(f"{name:20}{instructions:8.1f}{NEWLIB.get(name, ''):>8}")


if __name__ == "__main__":
    cli.guard(main)
