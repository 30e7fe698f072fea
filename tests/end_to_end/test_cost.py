"""What compiling a model of some megabytes costs, as a process of its own: seconds and memory."""

import subprocess
import sys

WIDTH, LAYERS = 500, 5
WEIGHTS = 4 * LAYERS * (WIDTH + 1) * WIDTH  # bytes
# /proc counts from the start of the program; getrusage from what stood there before, which is a larger one here.
MEASURED = """
import time
{run}
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(1024 * int(peak.split()[1]), time.process_time())
"""
COMPILE = """
import sys, runpy
sys.argv = ["compiler", *sys.argv[1:]]
try:
    runpy.run_module("compiler", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
"""


def measure(run, *arguments):
    """The most bytes that a process ever held, and the seconds that it computed."""
    command = [sys.executable, "-c", MEASURED.format(run=run), *map(str, arguments)]
    peak, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-2:]
    return int(peak), float(seconds)


def test_five_large_layers_take_little_time_and_memory(tmp_path):
    import keras

    x = y = keras.Input((None, WIDTH))
    for _ in range(LAYERS):
        y = keras.layers.Dense(WIDTH, activation="relu")(y)
    keras.Model(x, y).save(tmp_path / "dense.keras")
    base, _ = measure("import numpy, h5py")
    peak, seconds = measure(COMPILE, tmp_path / "dense.keras", "--target", "mcu", "--out", tmp_path / "build")
    assert (peak - base) / WEIGHTS <= 8
    assert seconds < 3
    written = (tmp_path / "build" / "dense_weights.h").stat().st_size
    assert written > 3 * WEIGHTS
