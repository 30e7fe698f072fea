"""CMSIS-DSP's sources: fetched once from PyPI's source distribution, checked, and cached.

`python -m compiler.mcu.cmsis` fills the cache: `.cache/cmsis-dsp` of a checkout, `~/.cache/keras-silicon/cmsis-dsp`
for an installed wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from compiler import resources
from compiler.errors import CompileError

VERSION = "1.10.3"
SHA256 = "307d32298faa7c58db912851027fce35f886fec7eb1a27c4b309ce1a97f47519"
CACHE = resources.cache() / "cmsis-dsp"

# File in a build -> file of the distribution. The headers keep the folder by which they include each other.
HEADERS = {
    "arm_compiler_specific.h": "PrivateInclude/arm_compiler_specific.h",
    "arm_math_memory.h": "Include/arm_math_memory.h",
    "arm_math_types.h": "Include/arm_math_types.h",
    "dsp/basic_math_functions.h": "Include/dsp/basic_math_functions.h",
    "dsp/matrix_functions.h": "Include/dsp/matrix_functions.h",
    "dsp/none.h": "Include/dsp/none.h",
    "dsp/utils.h": "Include/dsp/utils.h",
}
SOURCES = {
    "arm_dot_prod_q15.c": "Source/BasicMathFunctions/arm_dot_prod_q15.c",
    "arm_mat_vec_mult_f32.c": "Source/MatrixFunctions/arm_mat_vec_mult_f32.c",
}
LICENCE = {"LICENSE.CMSIS-DSP.txt": "LICENSE"}


def files(sources: list[str]) -> dict[str, bytes]:
    """The named sources with the headers and the licence they need: file name in a build -> contents.

    Raises:
        CompileError: The cache has not been filled.
    """
    wanted = HEADERS | LICENCE | {name: SOURCES[name] for name in sources}
    try:
        return {name: (CACHE / origin).read_bytes() for name, origin in wanted.items()}
    except OSError as error:
        raise CompileError(
            "CMSIS-DSP's sources have not been fetched yet",
            hint="Fetch them once with `python -m compiler.mcu.cmsis`, or compile with --kernels c.",
        ) from error


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
    try:
        fetch()
    except CompileError as error:
        sys.exit(f"error: {error}")
