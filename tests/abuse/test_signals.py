"""A command that is stopped at any moment leaves the old build or the new one, and no litter that stays."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from abuse_tools import MARKS, ROOT, TIMES

import compiler

MOST = 0.7  # seconds that a compilation takes, its imports included, or a little more


def start(*arguments, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("KERAS_SILICON_DEBUG", None)
    command = [sys.executable, "-m", *map(str, arguments)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)
    wait_for_the_first_line(process)
    return process


def wait_for_the_first_line(process):
    """Until the command has said what becomes of signals; before, they are Python's own affair, however long that is.

    Python catches SIGINT when it starts; the command's first line gives it up, and later ones catch SIGTERM as well.
    """
    status, started = Path(f"/proc/{process.pid}/status"), False
    while process.poll() is None:
        caught = int(re.search(r"^SigCgt:\s*(\w+)", status.read_text(), re.MULTILINE)[1], 16)
        interrupts, ends = (caught >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM))
        if ends or (started and not interrupts):
            return
        started = started or interrupts
        time.sleep(0.0005)


@pytest.mark.parametrize("which", ["SIGINT", "SIGTERM"])
def test_compiling_is_stopped(which, files, tmp_path):
    """From the first import to the last rename."""
    number = getattr(signal, which)
    out = tmp_path / "out"
    compiler.compile(files["quantized.h5"], "mcu", out=out)
    stopped = 0
    for moment in np.linspace(0, MOST, 8 * TIMES):
        process = start("compiler", files["quantized.h5"], "--target", "fpga", "--out", "out", folder=tmp_path)
        time.sleep(moment)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert not MARKS.search(said), f"{which} after {moment:.2f} s: {said}"
        stopped += process.returncode != 0
        assert process.returncode in (0, 128 + number, -number), (process.returncode, said)
        assert compiler.Build.open(out).target in ("mcu", "fpga")
        assert compiler.Build.open(out).run(np.zeros((3, 3))).shape == (3, 2)
    assert stopped, "nothing was stopped"
    compiler.compile(files["quantized.h5"], "mcu", out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "litter"


def test_an_end_amid_an_import(tmp_path):
    """What an extension module leaves half made may crash Python that unloads it: a stopped command unloads nothing."""
    program = (
        "import os, signal\n"
        "from compiler import cli\n"
        "class HalfMade:\n"
        "    def __del__(self, crash=os.abort):\n"
        "        crash()\n"
        "kept = HalfMade()\n"
        "cli.guard(lambda: signal.raise_signal(signal.SIGTERM))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGTERM, "stopped\n")


def test_a_killed_command_is_swept_up(files, tmp_path):
    """SIGKILL cannot be answered: the next command finds the old build, or the new one, and tidies."""
    out = tmp_path / "out"
    compiler.compile(files["quantized.h5"], "mcu", out=out)
    for moment in np.linspace(0.1, MOST, 6 * TIMES):
        process = start("compiler", files["quantized.h5"], "--target", "fpga", "--out", "out", folder=tmp_path)
        time.sleep(moment)
        process.kill()
        process.communicate(timeout=30)
        assert compiler.Build.open(out).target in ("mcu", "fpga")
    compiler.compile(files["quantized.h5"], "mcu", out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "litter"


@pytest.mark.parametrize("which", ["SIGINT", "SIGTERM"])
def test_verifying_is_stopped(which, builds, tmp_path):
    """While a compiler, an emulator or a simulator runs; none of them stays behind."""
    number = getattr(signal, which)
    for kind, moment in (("fixed", 0.8), ("fpga", 1.5)):
        process = start("compiler.verify", builds[kind], "--samples", "200000", folder=tmp_path)
        time.sleep(moment)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode in (128 + number, -number), (process.returncode, said)
        assert not MARKS.search(said), said


def test_a_reader_that_leaves(files, tmp_path):
    """`| head -1`."""
    process = start("compiler.inspect", files["float.h5"], folder=tmp_path)
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(timeout=30) in (0, 1, 2)
    assert not MARKS.search(said)
    assert "Exception ignored" not in said
    process.stderr.close()
