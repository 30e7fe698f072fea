"""Files are written whole or not at all, and nothing temporary stays: whatever stops the writing."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import compiler
from compiler import outputs, signals
from compiler.errors import CompileError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, ValueError])
def test_what_fails_leaves_what_was_there(error, tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    for name in ("old", "new", "deep/er/new"):
        with pytest.raises(CompileError if error is OSError else error), outputs.replacing(tmp_path / name) as file:
            file.write(b"half")
            file.flush()
            raise error("no more")
    assert names(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_links_modes_and_pipes_stay_what_they_are(tmp_path):
    (tmp_path / "place").mkdir()
    real = tmp_path / "place" / "y"
    real.write_bytes(b"old")
    real.chmod(0o640)
    (tmp_path / "link").symlink_to("place/y")
    (tmp_path / "dangling").symlink_to("place/z")
    (tmp_path / "null").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for name in ("link", "dangling", "null", "pipe"):
        with outputs.replacing(tmp_path / name) as file:
            np.save(file, np.arange(3))
    assert np.load(real).tolist() == np.load(tmp_path / "place" / "z").tolist() == [0, 1, 2]
    assert real.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link").is_symlink() and (tmp_path / "null").is_char_device()
    assert os.read(reader, 6) == b"\x93NUMPY"
    os.close(reader)
    assert names(tmp_path) == ["dangling", "link", "null", "pipe", "place"]
    assert names(tmp_path / "place") == ["y", "z"]


def test_leftovers_are_swept_unless_somebody_writes_them(tmp_path):
    for name in (".y.npy.0123abcd.part", ".y.npy.txt.part", ".z.npy.0123abcd.part", ".y.npy.89abcdef.part"):
        (tmp_path / name).write_bytes(b"")
    with (tmp_path / ".y.npy.89abcdef.part").open("rb") as alive:
        assert outputs.lock(alive.fileno())
        with outputs.replacing(tmp_path / "y.npy") as file:
            file.write(b"new")
    assert names(tmp_path) == [".y.npy.89abcdef.part", ".y.npy.txt.part", ".z.npy.0123abcd.part", "y.npy"]


@pytest.mark.parametrize("name", ["y", "y" * 250, "ü" * 120])
def test_any_name(name, tmp_path):
    with outputs.replacing(tmp_path / name) as file:
        file.write(b"new")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("path", ["-y.npy", "--help/y.npy", "in/-y.npy"])
def test_no_name_begins_with_a_dash(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CompileError, match="begins with a dash"), outputs.replacing(outputs.Path(path)):
        pass
    assert not names(tmp_path)


@pytest.mark.parametrize("which", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_waits_until_what_must_be_whole_is_done(which, monkeypatch):
    number, done = getattr(signal, which), []
    monkeypatch.setattr(signals, "_came", [])
    before = [signal.getsignal(each) for each in signals.ENDING_SIGNALS]
    try:
        signals.end_in_order()
        with pytest.raises(KeyboardInterrupt) as ended, signals.deferred_signals():
            signal.raise_signal(number)
            done.append("after the signal")
        assert done
        assert signals.asked_to_end() == number
        assert getattr(ended.value, "number", signal.SIGINT) == number
    finally:
        for each, handler in zip(signals.ENDING_SIGNALS, before, strict=True):
            signal.signal(each, handler)


@pytest.mark.parametrize("which", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_an_import_that_turns_a_signal_into_an_error(which):
    """As numpy's import in an extension module does."""
    number = getattr(signal, which)
    lines = ["import signal", "from compiler import cli", "def command():", "    try:"]
    lines += [
        f"        signal.raise_signal({number})",
        "    except BaseException: raise ImportError('numpy') from None",
    ]
    lines += ["cli.guard(command)"]
    command = [sys.executable, "-c", "\n".join(lines)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (128 + number, "stopped\n")


@pytest.mark.parametrize(("option", "name"), [("--output", "y.npy"), ("--output", "y.npz"), ("--layers", "all.npz")])
def test_a_full_disk_leaves_the_older_output(option, name, files, tmp_path):
    build = compiler.compile(files["float.h5"], "mcu", out=tmp_path / "build", kernels="c")
    np.save(tmp_path / "x.npy", np.zeros((5000, 3), np.float32))
    (tmp_path / name).write_bytes(b"old" * 1000)
    command = ["bash", "-c", 'ulimit -f 4 && exec "$@"', "bash", sys.executable, "-m", "compiler.run"]
    command += [build.folder, "--input", tmp_path / "x.npy", option, tmp_path / name]
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and f"{name}: cannot be written: " in result.stderr
    assert (tmp_path / name).read_bytes() == b"old" * 1000
    assert names(tmp_path) == sorted(["build", "x.npy", name])
