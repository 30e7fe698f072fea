"""The files that Keras writes: `.h5`, `.keras`, and an architecture in `.json` with its weights beside it."""

from __future__ import annotations

import io
import math
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from compiler.errors import CompileError
from compiler.keras_file import foreign, jsons
from compiler.keras_file.hdf5 import File
from compiler.keras_file.weights import ByGroup, ByName, Weights
from compiler.npy import ENCRYPTED

LARGEST_FILE = 1 << 30  # bytes
LARGEST_DIRECTORY = 4 << 20  # bytes of an archive's list of members
ALWAYS_ALLOWED = 64 << 20  # bytes: a member of an archive may unfold to so many, or to as many as the archive has
MOST_NOTES, LONGEST_NOTE = 64, 200  # of what a file says of its origin
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def bytes_of(path: Path) -> bytes:
    """All of a file."""
    try:
        if path.is_dir():
            raise foreign.other_folder(path)
        status = path.stat()
        kind = status.st_mode
        if stat.S_ISCHR(kind) or stat.S_ISBLK(kind) or stat.S_ISSOCK(kind):
            raise CompileError("This is a device, not a file.")
        if status.st_size > LARGEST_FILE:
            raise CompileError(f"The file has more than {LARGEST_FILE >> 20:,} MiB, the most that is read.")
        return path.read_bytes()
    except FileNotFoundError:
        raise CompileError("There is no such file.") from None
    except OSError as error:
        raise CompileError(f"The file cannot be read: {error.strerror}.") from None
    except ValueError as error:  # a path that no file can have
        raise CompileError(f"The file cannot be read: {error}.") from None


class Opened(NamedTuple):
    """What a file holds.

    Args:
        config: The model's configuration.
        weights: Its weights; None where it has none.
        keras_major: The Keras that wrote it, where it says so.
        capture: What is known of the model's origin.
    """

    config: dict[str, Any]
    weights: Weights | None
    keras_major: int | None
    capture: dict[str, str | int | float] = {}  # noqa: RUF012 -- never changed


def open_model(data: bytes, suffix: str) -> Opened:
    """The configuration in a file, its weights where it has some, and the Keras that wrote it where it says so.

    Args:
        suffix: Of the file's name, in lower case, for those who gave a file of another kind.
    """
    if data.startswith(HDF5_SIGNATURE):
        return _hdf5_model(data)
    if data[:1000].lstrip()[:1] == b"{":
        config = jsons.parse(data, "the architecture")
        if error := foreign.other_json(config, suffix):
            raise error
        return Opened(config, None, _major(config.get("keras_version")))
    if zipfile.is_zipfile(io.BytesIO(data)):
        members = _members(data, "config.json", "metadata.json", "model.weights.h5")
        if "config.json" not in members:
            raise foreign.other_archive(_names(data))
        config = jsons.parse(members["config.json"], "config.json")
        if error := foreign.other_json(config, suffix):
            raise error
        metadata = jsons.parse(members.get("metadata.json", b"{}"), "metadata.json")
        file = File(_needed(members, "model.weights.h5"), "model.weights.h5 in it is damaged")
        return Opened(config, ByGroup(file.root), _major(metadata.get("keras_version")), _capture(metadata))
    raise foreign.other_data(data, suffix)


def open_weights(data: bytes) -> Weights:
    """The weights in a file that `save_weights` or `save` wrote."""
    if not data.startswith(HDF5_SIGNATURE) and zipfile.is_zipfile(io.BytesIO(data)):
        data = _needed(_members(data, "model.weights.h5"), "model.weights.h5")
    root = File(data, "no weights: not an HDF5 file, or cut short").root
    if "model_weights" in root:
        root = root.group("model_weights")
    return ByGroup(root) if "layers" in root and not root.names("layer_names") else ByName(root)


def _hdf5_model(data: bytes) -> Opened:
    root = File(data, "The HDF5 file is damaged or cut short.").root
    config = root.text("model_config")
    if config is None:
        raise foreign.other_hdf5(root.keys(), root.attributes())
    weights = ByName(root.group("model_weights"))
    return Opened(jsons.parse(config, "model_config"), weights, _major(root.attribute("keras_version")))


def _major(version: Any) -> int | None:
    version = version.decode("ascii", "replace") if isinstance(version, bytes) else version
    return int(version[0]) if isinstance(version, str) and version[:2] in ("2.", "3.") else None


def _capture(metadata: dict[str, Any]) -> dict[str, str | int | float]:
    """What `python -m zoo import` has noted beside a model, as far as it is texts and finite numbers."""
    held = metadata.get("capture", {})
    if not isinstance(held, dict) or len(held) > MOST_NOTES:
        raise CompileError("metadata.json in it is damaged: 'capture' should be a group of texts and numbers")
    return {
        key: value[:LONGEST_NOTE] if isinstance(value, str) else value
        for key, value in sorted(held.items())
        if isinstance(value, str)
        or (isinstance(value, int | float) and type(value) is not bool and math.isfinite(value))
    }


def _members(data: bytes, *wanted: str) -> dict[str, bytes]:
    """Those members of an archive that are there, by fixed names and never unpacked to a disk."""
    limit = max(ALWAYS_ALLOWED, len(data))
    members = {}
    with _archive(data) as archive:
        for info in archive.infolist():
            name = info.filename
            if name not in wanted:
                continue
            if name in members:
                raise CompileError(f"The archive has two members called '{name}'.")
            if info.file_size > limit:
                raise CompileError(f"'{name}' in the archive claims to unfold to {info.file_size:,} bytes.")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise CompileError(f"'{name}' in the archive is packed in a way that Keras does not use.")
            if info.flag_bits & ENCRYPTED:
                raise CompileError(f"'{name}' in the archive is encrypted, or damaged so that it seems to be.")
            with archive.open(info) as member:
                # The directory may lie about the size, so the reading is bounded too.
                members[name] = member.read(limit)
    return members


def _names(data: bytes) -> list[str]:
    with _archive(data) as archive:
        return archive.namelist()


@contextmanager
def _archive(data: bytes) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose list of members is of a size to be read, in a form that such an archive needs."""
    end = data.rfind(b"PK\x05\x06")
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    if size > LARGEST_DIRECTORY or data[max(0, end - 20) :].startswith(b"PK\x06\x07"):
        raise CompileError("The archive lists more members than a .keras file has.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError, OSError) as error:
        raise CompileError(f"The .keras archive is damaged: {error}.") from None


def _needed(members: dict[str, bytes], name: str) -> bytes:
    if name not in members:
        raise CompileError(f"no Keras model: the archive has no '{name}'")
    return members[name]
