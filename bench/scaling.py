"""How compile time and memory grow with the number of layers: both should be in proportion to it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compiler import cli
from compiler.tables import table

LAYERS = (250, 500, 1000, 2000)
TARGETS = {"mcu": ("--target", "mcu", "--numbers", "fixed"), "fpga": ("--target", "fpga", "--sample-rate", "1000")}
# Causal convolutions with relu, the weights of each output adding up to 1, so that no range grows with the depth.
MAKE = """import sys
sys.setrecursionlimit(1_000_000)
import keras, numpy as np
random, path, layers = np.random.default_rng(0), sys.argv[1], int(sys.argv[2])
convolution = dict(filters=4, kernel_size=2, padding="causal", activation="relu")
stack = [keras.layers.Conv1D(dilation_rate=1 + i % 8, **convolution) for i in range(layers)]
model = keras.Sequential([keras.Input((None, 4)), *stack])
for layer in stack:
    kernel = random.uniform(-0.2, 1, (2, 4, 4))
    layer.set_weights([kernel / np.abs(kernel).sum((0, 1)), np.zeros(4)])
model.save(path)"""
# Compiles in a process of its own, and then prints the seconds of computing and the most memory it held, in kB.
MEASURED = """import resource, runpy
try:
    runpy.run_module("compiler", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)"""


def measure(model: Path, out: Path, target: str) -> tuple[float, float, int]:
    """Seconds of one whole compilation, seconds of computing in it, and the most bytes it held."""
    start = time.perf_counter()
    command = [sys.executable, "-c", MEASURED, str(model), *TARGETS[target], "--quiet", "--out", str(out)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return time.perf_counter() - start, float(printed[-2]), 1024 * int(printed[-1])


def main() -> None:
    """Compiles stacks of more and more layers for both targets in fixed point."""
    rows = [("layers", "target", "s", "s of computing", "ms a layer", "peak MB")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for layers in LAYERS:
            model = folder / f"{layers}.h5"
            command = [sys.executable, "-c", MAKE, str(model), str(layers)]
            subprocess.run(command, check=True, capture_output=True)
            for target in TARGETS:
                wall, computing, peak = measure(model, folder / f"{layers}-{target}", target)
                each = f"{1000 * computing / layers:.1f}"
                rows.append((str(layers), target, f"{wall:.1f}", f"{computing:.1f}", each, f"{peak / 1e6:.0f}"))
    print(table(rows, right=(0, 2, 3, 4, 5)))


if __name__ == "__main__":
    cli.guard(main)
