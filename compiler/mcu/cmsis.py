"""CMSIS-DSP's sources: fetched once from PyPI's source distribution, checked, and cached.

`python -m compiler.mcu.cmsis` fills the cache: `.cache/cmsis-dsp` of a checkout, `~/.cache/keras-silicon/cmsis-dsp`
for an installed wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from compiler import resources
from compiler.errors import CompileError
from compiler.signals import end_in_order

VERSION = "1.10.3"
SHA256 = "307d32298faa7c58db912851027fce35f886fec7eb1a27c4b309ce1a97f47519"
CACHE = resources.cache() / "cmsis-dsp"

# File in a build -> file of the distribution. Not called *.c, so that no wildcard compiles them by themselves:
# nn_kernels_cmsis.h and nn_kernels_fixed_cmsis.h include them.
FOLDER = "cmsis_dsp"
SOURCES = {
    f"{FOLDER}/arm_dot_prod_q15.inc": "Source/BasicMathFunctions/arm_dot_prod_q15.c",
    f"{FOLDER}/arm_mat_vec_mult_f32.inc": "Source/MatrixFunctions/arm_mat_vec_mult_f32.c",
}
LICENCE = {"LICENSE.CMSIS-DSP.txt": "LICENSE"}
# The headers that the sources ask for stand beside them, where a compiler looks first, and hold nothing.
EMPTY = b"""/* Empty: nn_cmsis_begin.h of the build says what the sources beside this file need. */
/* SPDX-License-Identifier: 0BSD */
"""
HEADERS = (
    f"{FOLDER}/arm_compiler_specific.h",
    f"{FOLDER}/dsp/basic_math_functions.h",
    f"{FOLDER}/dsp/matrix_functions.h",
)


def files(sources: list[str]) -> dict[str, bytes]:
    """The named sources with the headers and the licence they need: file name in a build -> contents.

    Raises:
        CompileError: The cache has not been filled.
    """
    wanted = LICENCE | {name: SOURCES[name] for name in sources}
    try:
        found = {name: (CACHE / origin).read_bytes() for name, origin in wanted.items()}
    except OSError as error:
        raise CompileError(
            "CMSIS-DSP's sources have not been fetched yet",
            hint="Fetch them once with `python -m compiler.mcu.cmsis`, or compile with --kernels c.",
        ) from error
    return found | dict.fromkeys(HEADERS, EMPTY)


def fetch() -> None:
    """Fills the cache: downloads, checks the sum, unpacks the C, and moves it into place at once.

    Raises:
        CompileError: The download failed, or is not the file that was pinned.
    """
    import hashlib
    import shutil
    import tempfile

    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent, prefix="cmsis-") as temporary:
        folder = Path(temporary)
        data = _download(folder).read_bytes()
        if hashlib.sha256(data).hexdigest() != SHA256:
            raise CompileError(f"cmsisdsp {VERSION} is not the file this project was made with: its SHA-256 differs")
        tree = folder / "tree"
        _unpack(data, tree)
        try:
            tree.rename(CACHE)
        except OSError:  # an older cache stands there, or someone else was quicker
            shutil.rmtree(CACHE, ignore_errors=True)
            tree.rename(CACHE)


def _download(folder: Path) -> Path:
    import subprocess

    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-binary", "cmsisdsp", "--dest", str(folder), f"cmsisdsp=={VERSION}"]
    archive = folder / f"cmsisdsp-{VERSION}.tar.gz"
    # pip asks the distribution for its metadata: quick with the setuptools at hand, else in a place of its own.
    for isolation in (["--no-build-isolation"], []):
        result = subprocess.run([*command, *isolation], capture_output=True, text=True, check=False)
        if archive.exists():
            return archive
    raise CompileError(f"cmsisdsp {VERSION} could not be downloaded", hint=result.stderr.strip()[-500:] or None)


def _unpack(data: bytes, tree: Path) -> None:
    """The C sources and headers and the licence: regular files with plain relative names only."""
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            top, *parts = PurePosixPath(member.name).parts
            wanted = parts[:1] in (["Include"], ["PrivateInclude"], ["Source"]) or parts == ["LICENSE"]
            if not wanted or top != f"cmsisdsp-{VERSION}" or not member.isfile() or ".." in parts:
                continue
            target = tree.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(tar.extractfile(member).read())


if __name__ == "__main__":
    end_in_order()
    try:
        fetch()
    except CompileError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
