"""Compilers, simulators and emulators that are missing, fail, hang or talk nonsense."""

import os
import shutil
import stat

import numpy as np
import pytest
from abuse_tools import demand

TOOLS = {"host": "gcc", "emulator": "arm-none-eabi-gcc", "rtl": "iverilog"}


def kind_of(on):
    return "fpga" if on == "rtl" else "fixed"


def tool(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("on", TOOLS)
def test_no_tools(on, builds, commands, tmp_path):
    """What is missing is named, and how to get it; the interpreter needs nothing."""
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    (tmp_path / "bin").mkdir()
    bare = {"PATH": str(tmp_path / "bin")}
    arguments = (builds[kind_of(on)], "--input", "x.npy", "--output", "y.npy")
    missing = commands.run("compiler.run", *arguments, "--on", on, environment=bare)
    results = [missing, commands.run("compiler.verify", builds[kind_of(on)], environment=bare)]
    demand(results, refused=1)
    assert TOOLS[on] in missing.stderr
    assert commands.run("compiler.run", *arguments, environment=bare).code == 0


@pytest.mark.parametrize("on", TOOLS)
@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "printf '\\377\\376 error: \\303\\n' >&2; exit 3",
        "kill -9 $$",
        "exit 0",
        "head -c 300000 /dev/zero | tr '\\0' 'x' >&2; exit 1",
    ],
)
def test_tools_that_fail(on, script, builds, commands, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    (tmp_path / "bin").mkdir()
    tool(tmp_path / "bin", TOOLS[on], script)
    path = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    arguments = (builds[kind_of(on)], "--input", "x.npy", "--output", "y.npy", "--on", on)
    result = commands.run("compiler.run", *arguments, environment=path, seconds=60)
    demand([result])
    assert result.code in (1, 2), result
    assert not (tmp_path / "y.npy").exists()


def test_an_emulator_that_says_nothing(builds, commands, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    (tmp_path / "bin").mkdir()
    for name, script in (("qemu-system-arm", "exit 0"), ("arm-none-eabi-size", "echo nothing")):
        tool(tmp_path / "bin", name, script)
    path = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    arguments = (builds["fixed"], "--input", "x.npy", "--output", "y.npy", "--on", "emulator")
    result = commands.run("compiler.run", *arguments, environment=path, seconds=60)
    demand([result])
    assert result.code in (1, 2)


@pytest.mark.parametrize("script", ["exit 1", "printf '\\377\\376\\n'; exit 3", "echo nothing", "echo; echo a b c"])
def test_a_size_that_is_none(script, builds, tmp_path, monkeypatch):
    from compiler import CompileError
    from compiler.mcu.runner import image_size

    tool(tmp_path, "arm-none-eabi-size", script)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(CompileError, match="arm-none-eabi-size cannot tell"):
        image_size(builds["fixed"], "quantized")


def test_no_temporary_folder(builds, commands, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    arguments = (builds["fixed"], "--input", "x.npy", "--output", "y.npy", "--on", "host")
    result = commands.run("compiler.run", *arguments, environment={"TMPDIR": "/nonexistent"}, seconds=60)
    demand([result])
    assert shutil.which("gcc") is None or result.code == 0


def test_no_path_at_all(builds, commands, tmp_path):
    """Tools are then found where the system keeps them, and find their own parts as well."""
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    for on in ("host", "rtl"):
        arguments = (builds[kind_of(on)], "--input", "x.npy", "--output", f"{on}.npy", "--on", on)
        result = commands.run("compiler.run", *arguments, without=("PATH",), seconds=60)
        demand([result])
        assert result.code == (0 if shutil.which(TOOLS[on], path=os.defpath) else 2), result
