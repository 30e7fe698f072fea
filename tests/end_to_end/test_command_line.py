"""What every command owes whoever types it: an exit code that is true, one clear message, and never a traceback."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import numpy as np
import pytest

import compiler
from compiler import cli, progress, wav

COMMANDS = ("compiler", "compiler.run", "compiler.verify", "compiler.inspect")


def typed(module, *arguments, shell="{}", **environment):
    """A command as a process of its own, within a line of bash."""
    line = shell.format(" ".join(f"'{word}'" for word in (sys.executable, "-m", module, *map(str, arguments))))
    debug = {"KERAS_SILICON_DEBUG": ""}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        check=False,
        env=os.environ | debug | {key: str(value) for key, value in environment.items()},
    )


@pytest.fixture
def here(monkeypatch, capsys):
    """A command within this process: (exit code, what it printed, what it complained of)."""
    monkeypatch.setattr(progress, "FIRST_LINE_S", 1e6)  # however slow the machine

    def run(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module, *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main("compiler.__main__" if module == "compiler" else module)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return end.value.code, out, err

    return run


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """A model of one causal convolution, whose layer has a name that ASCII does not, and its build."""
    import keras
    from models import randomize

    folder = tmp_path_factory.mktemp("echo")
    audio = keras.Input((None, 1), name="audio")
    y = keras.layers.Conv1D(2, 3, padding="causal", name="gr\u00fcn")(audio)
    randomize(keras.Model(audio, y)).save(folder / "echo.keras")
    return compiler.compile(folder / "echo.keras", "mcu", out=folder / "echo"), folder / "echo.keras"


@pytest.fixture(scope="module")
def shadowed(tmp_path_factory):
    """A folder with packages that stop whoever imports them: as an interrupt does, or as if they were not there."""
    folder = tmp_path_factory.mktemp("shadows")
    for kind, line in (
        ("interrupt", "raise KeyboardInterrupt"),
        ("missing", "raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')"),
    ):
        (folder / kind / "numpy").mkdir(parents=True)
        (folder / kind / "numpy" / "__init__.py").write_text(line + "\n")
    return folder


@pytest.mark.parametrize("module", COMMANDS)
def test_an_interrupt_during_the_imports_ends_in_a_word(module, shadowed):
    result = typed(module, "x", PYTHONPATH=shadowed / "interrupt")
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"stopped\n")


def test_a_package_that_is_not_there_is_named(shadowed):
    result = typed("compiler", "x", "--target", "mcu", PYTHONPATH=shadowed / "missing")
    assert result.returncode == 2
    assert result.stderr.startswith(b"error: the package 'numpy' is not installed")


def test_a_terminal_that_knows_ascii_alone_shows_the_rest_in_escapes(echo, tmp_path):
    _, model = echo
    out = tmp_path / "b\u00fcndel"
    result = typed("compiler", model, "--target", "mcu", "--print-graph", "--out", out, PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"b\\xfcndel" in result.stdout
    assert b"gr\\xfcn" in result.stdout
    assert (out / "report.json").is_file()
    again = typed("compiler.run", tmp_path / "\u00fcber", "--input", "x.npy", "--output", "y.npy", LC_ALL="C")
    assert again.returncode == 2
    assert b"Traceback" not in again.stderr


def test_a_reader_that_goes_away_changes_nothing(echo):
    build, model = echo
    for module, arguments in (
        ("compiler", ("--help",)),
        ("compiler.inspect", (model,)),
        ("compiler.verify", (build.folder, "--samples", "3")),
    ):
        result = typed(module, *arguments, shell="{} | true")
        assert result.returncode == 0, module
        assert b"rror" not in result.stderr
        assert b"ignored" not in result.stderr


def test_an_output_that_takes_nothing_is_an_error(echo):
    result = typed("compiler.inspect", echo[1], shell="{} > /dev/full")
    assert result.returncode == 2
    assert result.stderr.count(b"\n") == 1
    assert b"No space left on device" in result.stderr


@pytest.mark.parametrize("shell", ["{} >&-", "{} 2>&-", "{} <&- >&- 2>&-"])
def test_streams_that_are_closed_change_nothing(shell, echo, tmp_path):
    """No traceback, no other exit code; and nothing that was meant for a screen goes into a file."""
    build, _ = echo
    y = tmp_path / "y.npy"
    np.save(tmp_path / "x.npy", np.zeros((4, *build.graph.inputs[0].shape), np.float32))
    arguments = (build.folder, "--input", tmp_path / "x.npy", "--output", y, "--on", "host")
    result = typed("compiler.run", *arguments, shell=shell)
    assert result.returncode == 0, result.stderr
    assert len(np.load(y)) == 4
    assert not result.stderr


def test_a_fault_of_ours_asks_for_a_report(here, monkeypatch, tmp_path):
    """Without a traceback, unless it is asked for."""
    from compiler import keras_file

    def fail(*_):
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(keras_file, "read", fail)
    monkeypatch.delenv(cli.DEBUG)
    code, out, err = here("compiler", "x.h5", "--target", "mcu", "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert "fault of keras-silicon itself (IndexError: tuple index out of range)" in err
    assert "report it" in err
    monkeypatch.setenv(cli.DEBUG, "1")
    monkeypatch.setattr(sys, "argv", ["compiler", "x.h5", "--target", "mcu"])
    with pytest.raises(SystemExit):
        cli.main("compiler.__main__")


@pytest.mark.parametrize("fault", [MemoryError(), PermissionError(13, "Permission denied", "x"), KeyboardInterrupt()])
def test_what_keeps_a_command_from_its_work_is_one_line(fault, capsys):
    def command():
        raise fault

    with pytest.raises(SystemExit) as end:
        cli.guard(command)
    out, err = capsys.readouterr()
    assert end.value.code == (130 if isinstance(fault, KeyboardInterrupt) else 2)
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("compiler", ("x.h5", "--target", "mcu", "--kernel", "c")),
        ("compiler", ("x.h5", "--target", "mcu", "--weight", "w.h5")),
        ("compiler.run", ("x", "--in", "x.npy", "--output", "y.npy")),
        ("compiler.verify", ("x", "--sample", "3")),
        ("compiler.inspect", ("x.h5", "--weight", "w.h5")),
        ("compiler", ("x.h5", "--target", "mcu", "--sample-rate", "fast")),
        ("compiler.run", ("x", "--input", "x.npy", "--on", "host", "--against", "host")),
    ],
)
def test_an_option_is_written_out_and_makes_sense(module, arguments, here):
    code, out, err = here(module, *arguments)
    assert (code, out) == (2, "")
    assert "error: " in err


def test_options_that_do_nothing_are_refused_by_the_command_too(here, echo, tmp_path):
    _, model = echo
    for option in (("--bits", "16"), ("--clock", "12288000"), ("--multipliers", "3"), ("--rounding", "half_up")):
        code, out, err = here("compiler", model, "--target", "mcu", *option, "--out", tmp_path / "out")
        assert (code, out) == (2, "")
        assert f"{option[0]} does nothing" in err
    assert not (tmp_path / "out").exists()


def test_options_that_the_models_quantisers_overrule_are_refused(here, files, tmp_path):
    for option in (("--bits", "8"), ("--rounding", "floor"), ("--input-range", "0", "255")):
        arguments = (files["quantized.h5"], "--target", "fpga", *option, "--out", tmp_path / "out")
        code, out, err = here("compiler", *arguments)
        assert (code, out) == (2, "")
        assert f"{option[0]} does nothing here" in err
    assert (
        here("compiler", files["quantized.h5"], "--target", "mcu", "--numbers", "q7", "--out", tmp_path / "out")[0] == 0
    )


def test_auto_takes_plain_c_and_says_so(echo, tmp_path):
    build, model = echo
    assert build.report["kernels"] == "c"
    assert build.report["options"]["kernels"] == "auto"
    assert not (build.folder / "LICENSE.CMSIS-DSP.txt").exists()
    cmsis = compiler.compile(model, "mcu", out=tmp_path / "cmsis", kernels="cmsis")
    assert cmsis.report["kernels"] == "cmsis"
    assert (cmsis.folder / "LICENSE.CMSIS-DSP.txt").exists()
    narrow = {"numbers": "fixed", "bits": 8, "weight_bits": 8}
    fixed = compiler.compile(model, "mcu", out=tmp_path / "fixed", kernels="cmsis", **narrow)
    assert fixed.report["kernels"] == "c"  # its sums have 32 bits, which CMSIS-DSP does not do


@pytest.mark.parametrize("place", ["reference", "host", "emulator"])
def test_nothing_in_is_nothing_out(place, echo):
    build, _ = echo
    for shape in ((0, 1), (0, 5, 1), (3, 0, 1)):
        y = build.run(np.zeros(shape, np.float32), on=place)
        assert y.shape == (*shape[:-1], 2)
        assert y.dtype == np.float32
    assert {key: y.shape for key, y in build.layers(np.zeros((0, 1)), on=place).items()} == {"gr\u00fcn": (0, 2)}


def test_run_on_nothing_and_on_wavs(here, echo, tmp_path):
    build, _ = echo
    np.save(tmp_path / "none.npy", np.zeros((0, 1)))
    code, out, err = here("compiler.run", build.folder, "--input", tmp_path / "none.npy", "--against", "host")
    assert (code, out) == (2, "")
    assert "nothing to compare" in err
    x = np.random.default_rng(0).uniform(-1, 1, (4410, 1)).astype(np.float32)
    wav.write(tmp_path / "x.wav", x, 44_100)
    arguments = (build.folder, "--input", tmp_path / "x.wav", "--output", tmp_path / "y.wav")
    code, out, err = here("compiler.run", *arguments)
    assert (code, out) == (2, "")
    assert "44,100" in err
    assert not (tmp_path / "y.wav").exists()
    assert here("compiler.run", *arguments, "--resample", "--quiet") == (0, "", "")
    y, rate = wav.read(tmp_path / "y.wav")
    assert (y.shape, rate) == ((4410, 2), 44_100)
    wav.write(tmp_path / "x.wav", x, 48_000)
    code, _, err = here("compiler.run", *arguments, "--resample")
    assert code == 2
    assert "--resample does nothing" in err
    assert here("compiler.run", *arguments)[0] == 0
    assert np.array_equal(wav.read(tmp_path / "y.wav")[0], build.run(x))
    code, _, err = here("compiler.run", *arguments[:-1], tmp_path / "none.npy" / "y.wav")
    assert code == 2
    assert "cannot be written" in err


def test_a_compilation_ends_with_what_matters(here, echo, tmp_path):
    _, model = echo
    code, out, err = here("compiler", model, "--target", "mcu", "--out", tmp_path / "my build")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{tmp_path}/my build: echo, C in floating point, its kernels plain C",
        "           6  multiply-accumulates a sample",
        "          32  bytes of weights",
        "          12  bytes of state",
        "           3  samples of receptive field",
        f"next: python -m compiler.verify '{tmp_path}/my build'",
    ]
    code, out, err = here("compiler", model, "--target", "fpga", "--out", tmp_path / "f", "--verify")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[-1] == f"next: python -m compiler.run {tmp_path}/f --input x.wav --output y.wav --on rtl"
    assert f"{tmp_path}/f: echo, Verilog in fixed point" in lines
    assert any(line.endswith("of the clock cycles there are for a sample, 256") for line in lines)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--samples", "99999999999999"), "--samples must be from 1 to"),
        (("--samples", "0"), "--samples must be from 1 to"),
        (("--seed", "-1"), "--seed must be from 0 to 2147483647, not -1"),
    ],
)
def test_verification_bounds_what_it_is_asked_for(option, message, here, echo):
    code, _, err = here("compiler.verify", echo[0].folder, *option)
    assert code == 2
    assert message in err


def test_a_terminal_shows_how_far_a_verification_is(echo):
    screen, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "compiler.verify", echo[0].folder, "--samples", "50"]
    process = subprocess.Popen(command, stdout=end, stderr=end)
    os.close(end)
    shown = b""
    with contextlib.suppress(OSError):  # how the other end of a terminal says that it is closed
        while part := os.read(screen, 4096):
            shown += part
    os.close(screen)
    assert process.wait() == 0
    text = shown.decode()
    assert "C on this machine, blocks of 3:" in text
    assert "samples/s]" in text
    assert "/200 [" in text  # four ways of 50 samples each
    assert re.search(r"C on an emulated Cortex-M7, blocks of 64 +50  ok", text)
