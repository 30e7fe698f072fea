"""Builds on disk, small C programs, and the tolerance, for the tests of the mcu target."""

import ctypes
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np

from compiler.mcu import runner, sources
from compiler.mcu.scheduler import make_schedule

RUNTIME = Path(__file__).resolve().parents[2] / "firmware" / "runtime"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


GRAPHS = {}


def generate(graph, *, name="net", kernels="c", **options):
    """The files of a build: name -> bytes."""
    files = sources.pieces(make_schedule(graph, kernels), name=name, kernels=kernels, **options)
    return {file: text if isinstance(text, bytes) else _whole(text) for file, text in files.items()}


def _whole(pieces):
    written = BytesIO()  # joining would hold every piece beside the whole
    written.writelines(pieces)
    return written.getvalue()


def run_build(folder, name, xs, **options):
    """Runs a build that `write` has written."""
    graph = GRAPHS[Path(folder)]
    assert graph.name == name
    return runner.run(folder, graph, xs, **options)


def write(folder, graph, *, name="net", kernels="c", **options):
    """A build in a folder."""
    for file, contents in generate(graph, name=name, kernels=kernels, **options).items():
        path = Path(folder) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)
    GRAPHS[Path(folder)] = graph
    return Path(folder)


def compile_c(*arguments, compiler="gcc", cwd=None):
    """Runs a compiler and asserts that it has nothing to say."""
    result = subprocess.run([compiler, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr


def shared_library(folder, text, *flags):
    """A C source as a library for ctypes, with the runtime's headers in reach."""
    source, library = Path(folder) / "library.c", Path(folder) / "library.so"
    source.write_text(text)
    compile_c(*STRICT, "-O1", "-shared", "-fPIC", f"-I{RUNTIME}", *flags, source, "-o", library, "-lm")
    return ctypes.CDLL(str(library))


def pointer(array):
    """What ctypes passes for an array."""
    return array.ctypes.data_as(ctypes.c_void_p)


def assert_close(y, expected, what=""):
    """Within 1e-5 of what is expected, relative to its greatest number where that is over 1."""
    assert y.shape == expected.shape, what
    error = np.abs(y - expected).max() / max(1, np.abs(expected).max())
    assert error <= 1e-5, f"{what}: {error}"


def assert_same(y, expected, fixed, what=""):
    """Integers to the last bit, floats within the tolerance."""
    if fixed:
        np.testing.assert_array_equal(y, expected, what)
    else:
        assert_close(y, expected, what)
