"""How long compiling takes as a whole process, from the command to the written folder, and how much memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compiler import cli
from compiler.tables import table

RUNS = 5
WEIGHTS = 4 * (5 * 500 * 500 + 5 * 500)  # bytes of the five Dense(500)
MODELS = {
    "wavenet": "from zoo.wavenet.model import build; model = build()",
    "dense": "import keras; x = y = keras.Input((None, 500))\n"
    "for i in range(5): y = keras.layers.Dense(500, activation='relu')(y)\n"
    "model = keras.Model(x, y)",
}
# Runs a command of Python in its own process, and then prints the most memory it ever held, in kB.
MEASURED = """import resource, runpy, sys
sys.argv = sys.argv[1:]
{run}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"""
COMPILE = """try:
    runpy.run_module("compiler", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code"""


def measure(run: str, *arguments: str) -> tuple[list[float], int]:
    """Wall times of a process, after one that warms the caches, and the most bytes it held."""
    times, peak = [], 0
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        command = [sys.executable, "-c", MEASURED.format(run=run), *arguments]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        times.append(time.perf_counter() - start)
        peak = max(peak, 1024 * int(result.stdout.split()[-1]))
    return times[1:], peak


def main() -> None:
    """Times the compilation of two untrained networks beside the imports it needs and those it spares."""
    with tempfile.TemporaryDirectory() as temporary:
        files = {name: str(Path(temporary) / f"{name}.h5") for name in MODELS}
        for name, make in MODELS.items():
            subprocess.run(
                [sys.executable, "-c", f"{make}\nmodel.save({files[name]!r})"], check=True, capture_output=True
            )
        out = ("--target", "mcu", "--quiet", "--out", str(Path(temporary) / "out"))
        cases = {
            "compile the 465-parameter WaveNet for mcu": (COMPILE, "compiler", files["wavenet"], *out),
            "compile five Dense(500), 5 MB of weights, for mcu": (COMPILE, "compiler", files["dense"], *out),
            "import numpy and h5py": ("import numpy, h5py",),
            "import keras": ("import keras",),
        }
        measured = {what: measure(*case) for what, case in cases.items()}
    base = measured["import numpy and h5py"][1]
    rows = [("whole process", "least s", "median s", "most s", "peak MB", "above the imports")]
    for what, (times, peak) in measured.items():
        above = f"{(peak - base) / WEIGHTS:.1f} x the weights" if "Dense" in what else ""
        picks = (f"{pick(times):.2f}" for pick in (min, statistics.median, max))
        rows.append((what, *picks, f"{peak / 1e6:.0f}", above))
    print(table(rows, right=range(1, 5)))


if __name__ == "__main__":
    cli.guard(main)
