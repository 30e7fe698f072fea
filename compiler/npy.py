"""Arrays from .npy and .npz files that may be damaged: what a header promises is believed once the file can hold it."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from compiler.errors import CompileError

MOST_INFLATION = 1040  # bytes that a byte of deflated data can become, and a few
SLACK = 1 << 16
ENCRYPTED = 1  # the bit of a zip member's flags that says so


def read_npy(path: Path) -> np.ndarray:
    """The array in a .npy file.

    Raises:
        CompileError: It is no such file, or damaged, or holds something other than numbers.
    """
    try:
        with path.open("rb") as file:
            return read_array(file, path.stat().st_size, str(path))
    except OSError as error:
        raise unreadable(path, error) from None


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays in an .npz file, by name.

    Raises:
        CompileError: It is no such file, or damaged, or holds something other than numbers.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                what = f"{path}, array '{member.filename.removesuffix('.npy')}'"
                if member.file_size > MOST_INFLATION * member.compress_size + SLACK:
                    raise CompileError("is damaged: it promises more than its bytes can become", file=what)
                if member.flag_bits & ENCRYPTED:
                    raise CompileError("is encrypted, or damaged so that it seems to be", file=what)
                with archive.open(member) as file:
                    arrays[member.filename.removesuffix(".npy")] = read_array(file, member.file_size, what)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CompileError(f"is no .npz file, or a damaged one: {error}", file=str(path)) from None
    except OSError as error:
        raise unreadable(path, error) from None
    return arrays


def unreadable(path: Path, error: OSError) -> CompileError:
    """What to say of a file that the system does not let us read."""
    missing = isinstance(error, FileNotFoundError)
    return CompileError("no such file" if missing else f"cannot be read: {error.strerror or error}", file=str(path))


def read_array(file: BinaryIO, size: int, what: str) -> np.ndarray:
    """The array in an open .npy of so many bytes.

    Raises:
        CompileError: Naming `what`, if it is damaged or holds something other than numbers.
        OSError, zipfile.BadZipFile, zlib.error: What is read from says so.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(version, np.lib.format.read_array_header_2_0)
        shape, fortran_order, dtype = read(file)
    except (zipfile.BadZipFile, zlib.error, OSError):
        raise
    except Exception:  # the header is Python text: whatever its parser makes of a damaged one
        raise CompileError("is no .npy file, or its header is damaged", file=what) from None
    if dtype.kind not in "fiub" or any(n < 0 for n in shape):
        raise CompileError(f"holds no real numbers, but type {dtype}", file=what)
    count, held = math.prod(shape), size - file.tell()
    if count * dtype.itemsize != held:
        wanted = f"{' x '.join(map(str, shape)) or '1'} numbers, {count * dtype.itemsize:,} bytes"
        raise CompileError(f"is damaged: its header promises {wanted}, and {held:,} bytes follow", file=what)
    data = file.read(held)
    if len(data) != held:
        raise CompileError(f"is damaged: it ends after {len(data):,} of {held:,} bytes", file=what)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")
