"""The simulation of a build: words of any width, folders of any name, and clear words where a tool is missing."""

import os
import subprocess
import sys
from pathlib import Path

import model_files
import numpy as np
import pytest

import compiler
from compiler.errors import CheckError, CompileError
from compiler.verification import verify
from sim.network import run_network
from sim.runner import SimulationError


def net(folder, *, end=(), kernel_grid=None, seed=0):
    """Two layers over 2 channels, every weight random."""
    rng = np.random.default_rng(seed)
    how = {"kernel_quantizer": kernel_grid, "bias_quantizer": kernel_grid} if kernel_grid else {}
    first = model_files.conv(rng.normal(0, 0.5, (3, 2, 4)), rng.normal(0, 0.2, 4), dilation=2, **how)
    last = model_files.dense(rng.normal(0, 0.5, (4, 3)), rng.normal(0, 0.2, 3), **how)
    return model_files.write(folder / "net.h5", (None, 2), *end[:1], first, *end[1:2], last, *end[2:])


def verified(build, samples=60):
    """Every check of a build, those that failed named."""
    checks = list(verify(build, samples=samples))
    assert checks
    return [check.result for check in checks if not check.passed]


@pytest.mark.parametrize("bits", [2, 3, 7, 8, 13, 16])
def test_ports_of_every_width_that_the_compiler_chooses(bits, tmp_path):
    build = compiler.compile(net(tmp_path), "fpga", out=tmp_path / "build", bits=bits)
    assert build.graph.inputs[0].format.width == build.graph.outputs[0].format.width == bits
    x = build.quantize(np.random.default_rng(1).uniform(-1, 1, (60, 2)))
    y = build.run(x, "rtl", raw=True)
    assert (y < 0).any()
    assert np.array_equal(y, build.run(x, raw=True))
    assert not verified(build)


@pytest.mark.parametrize(("first", "inner", "last"), [(4, 9, 8), (16, 5, 3), (20, 18, 24)])
def test_ports_of_the_width_that_the_file_says(first, inner, last, tmp_path):
    grids = [model_files.grid(f"quantized_bits({bits}, 2, alpha=1)") for bits in (first, inner, last)]
    model = net(tmp_path, end=grids, kernel_grid="quantized_bits(6, 1, alpha=1)")
    build = compiler.compile(model, "fpga", out=tmp_path / "build")
    assert (build.graph.inputs[0].format.width, build.graph.outputs[0].format.width) == (first, last)
    assert not verified(build)


@pytest.mark.parametrize("name", ['quo"te', "b\\n", "sp ace", "line\nbreak", "grün", "$HOME `id` 'x'; #"])
def test_folders_of_any_name(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    build = compiler.compile(net(folder), "fpga", out=folder / "build")
    assert not verified(build, samples=10)
    assert sorted(path.name for path in folder.iterdir()) == ["build", "net.h5"]


def test_temporary_folders_of_any_name(tmp_path, monkeypatch):
    build = compiler.compile(net(tmp_path), "fpga", out=tmp_path / "build")
    odd = tmp_path / 'my "temporary\\ folder'
    odd.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    monkeypatch.setenv("TMPDIR", str(odd))
    monkeypatch.delenv("HOME", raising=False)
    assert not verified(build, samples=10)
    assert not list(odd.iterdir()), "the simulation leaves nothing behind"


def test_the_simulation_writes_nothing_beside_the_sources(tmp_path):
    root = Path(compiler.__file__).parents[1]
    watched = (root, root / "sim", root / "rtl", root / "build", root / "build" / "sim")
    before = {path: path.stat().st_mtime_ns for path in watched if path.exists()}
    build = compiler.compile(net(tmp_path), "fpga", out=tmp_path / "build")
    code = f"import numpy; from compiler.build import Build; Build.open({str(build.folder)!r}).run(numpy.eye(2), 'rtl')"
    subprocess.run([sys.executable, "-B", "-c", code], cwd=root, check=True)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_no_samples_are_no_trouble(tmp_path):
    build = compiler.compile(net(tmp_path), "fpga", out=tmp_path / "build")
    assert build.run(np.zeros((0, 2)), "rtl").shape == (0, 3)


def test_a_missing_simulator_is_named(tmp_path, monkeypatch):
    build = compiler.compile(net(tmp_path), "fpga", out=tmp_path / "build")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match=r"iverilog is not installed\n.*Icarus Verilog"):
        build.run(np.zeros((4, 2)), "rtl")


@pytest.mark.parametrize(
    ("script", "message"),
    [("exit 3", "does not compile:\nexit code 3"), ("printf '\\377\\376 said'; exit 1", "does not compile:\n.* said")],
)
def test_a_simulator_that_fails_is_quoted(script, message, tmp_path, monkeypatch):
    build = compiler.compile(net(tmp_path), "fpga", out=tmp_path / "build")
    tool = tmp_path / "iverilog"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(CheckError, match=message):
        build.run(np.zeros((4, 2)), "rtl")


def test_a_memory_file_that_is_gone_is_no_silent_nonsense(tmp_path):
    build = compiler.compile(net(tmp_path), "fpga", out=tmp_path / "build")
    next(build.folder.glob("*_weights.hex")).unlink()
    widths = {"input_width": 16, "output_width": 16, "outputs": 3}
    with pytest.raises(SimulationError, match=r"_weights\.hex"):
        run_network(build.folder, build.name, np.zeros((4, 2), np.int64), **widths)
