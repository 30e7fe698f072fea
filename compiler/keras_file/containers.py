"""The files that Keras writes: `.h5`, `.keras`, and an architecture in `.json` with its weights beside it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from compiler.errors import CompileError
from compiler.keras_file import jsons
from compiler.keras_file.hdf5 import File
from compiler.keras_file.weights import ByGroup, ByName, Weights

ALWAYS_ALLOWED = 64 << 20  # bytes: a member of an archive may unfold to so many, or to as many as the archive has
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def bytes_of(path: Path) -> bytes:
    """All of a file."""
    if path.is_dir():
        raise CompileError("is a folder, not a model file", hint="Give the .h5 or .keras file that model.save() wrote.")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CompileError("no such file") from None
    except (OSError, ValueError) as error:
        raise CompileError(f"cannot be read: {error}") from None


def open_model(data: bytes) -> tuple[dict[str, Any], Weights | None, int | None]:
    """The configuration in a file, its weights where it has some, and the Keras that wrote it where it says so."""
    if data.startswith(HDF5_SIGNATURE):
        return _hdf5_model(data)
    if data.lstrip()[:1] == b"{":
        config = jsons.parse(data, "the architecture")
        return config, None, _major(config.get("keras_version"))
    if zipfile.is_zipfile(io.BytesIO(data)):
        members = _members(data, "config.json", "metadata.json", "model.weights.h5")
        config = jsons.parse(_needed(members, "config.json"), "config.json")
        metadata = jsons.parse(members.get("metadata.json", b"{}"), "metadata.json")
        file = File(_needed(members, "model.weights.h5"), "model.weights.h5 in it is damaged")
        return config, ByGroup(file.root), _major(metadata.get("keras_version"))
    raise CompileError("no Keras model: neither an HDF5 file nor a .keras archive, or cut short")


def open_weights(data: bytes) -> Weights:
    """The weights in a file that `save_weights` or `save` wrote."""
    if not data.startswith(HDF5_SIGNATURE) and zipfile.is_zipfile(io.BytesIO(data)):
        data = _needed(_members(data, "model.weights.h5"), "model.weights.h5")
    root = File(data, "no weights: not an HDF5 file, or cut short").root
    if "model_weights" in root:
        root = root.group("model_weights")
    return ByGroup(root) if "layers" in root and not root.names("layer_names") else ByName(root)


def _hdf5_model(data: bytes) -> tuple[dict[str, Any], Weights, int | None]:
    root = File(data, "no Keras model: neither an HDF5 file nor a .keras archive, or cut short").root
    config = root.text("model_config")
    if config is None:
        raise CompileError(
            "holds no architecture (no attribute 'model_config')",
            hint="It was written by save_weights(); give the architecture, and this as --weights.",
        )
    weights = ByName(root.group("model_weights"))
    return jsons.parse(config, "model_config"), weights, _major(root.attribute("keras_version"))


def _major(version: Any) -> int | None:
    version = version.decode("ascii", "replace") if isinstance(version, bytes) else version
    return int(version[0]) if isinstance(version, str) and version[:2] in ("2.", "3.") else None


def _members(data: bytes, *wanted: str) -> dict[str, bytes]:
    """Those members of an archive that are there, by fixed names and never unpacked to a disk."""
    limit = max(ALWAYS_ALLOWED, len(data))
    members = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                name = info.filename
                if name not in wanted:
                    continue
                if name in members:
                    raise CompileError(f"the archive has two members '{name}'")
                if info.file_size > limit:
                    raise CompileError(f"'{name}' in the archive claims to unfold to {info.file_size} bytes")
                with archive.open(info) as member:
                    # The directory may lie about the size, so the reading is bounded too.
                    members[name] = member.read(limit)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, OSError) as error:
        raise CompileError(f"a damaged .keras archive: {error}") from None
    return members


def _needed(members: dict[str, bytes], name: str) -> bytes:
    if name not in members:
        raise CompileError(f"no Keras model: the archive has no '{name}'")
    return members[name]
