"""How long compiling takes as a whole process, from the command to the written folder."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compiler.report.table import table

RUNS = 7


def seconds(command: list[str]) -> list[float]:
    """Wall times of a command, after one run that warms the caches."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return times[1:]


def main() -> None:
    """Builds the 465-parameter WaveNet, untrained, and times its compilation beside the imports it spares."""
    with tempfile.TemporaryDirectory() as temporary:
        model, out = Path(temporary) / "wavenet.h5", Path(temporary) / "out"
        make = f"from zoo.wavenet.model import build; build().save({str(model)!r})"
        subprocess.run([sys.executable, "-c", make], check=True, capture_output=True)
        compile_it = [sys.executable, "-m", "compiler", str(model), "--out", str(out), "--target"]
        commands = {
            "compile the 465-parameter WaveNet for mcu": [*compile_it, "mcu"],
            "import numpy and h5py": [sys.executable, "-c", "import numpy, h5py"],
            "import keras": [sys.executable, "-c", "import keras"],
        }
        rows = [("whole process", "least s", "median s", "most s")]
        for what, command in commands.items():
            times = seconds(command)
            rows.append((what, *(f"{pick(times):.2f}" for pick in (min, statistics.median, max))))
    print(table(rows, right=range(1, 4)))


if __name__ == "__main__":
    main()
