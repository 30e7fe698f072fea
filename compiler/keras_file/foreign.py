"""Files of other kinds, known by what they begin with or hold: each is named, with what to give instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from compiler.errors import CompileError

SAVE = 'Load the model in Keras and save it with model.save("model.keras"), then give that file.'
ORIGIN = "Give the Keras file that it was made from, as model.save() wrote it."
REBUILD = "Build the same layers in Keras, copy the weights into them, save that model and give its file."
FETCH = "Fetch the file again; a copy or download may have stopped early."

# What a file begins with, at which byte, and what it is.
_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file it stands for", "Run `git lfs pull` there."),
    (4, b"TFL3", "a TensorFlow Lite model", ORIGIN),
    (0, b"GGUF", "a GGUF model", REBUILD),
    (0, b"\x93NUMPY", "an array of NumPy", SAVE),
    (0, b"PK\x05\x06", "an empty zip archive", FETCH),
    (0, b"PK\x03\x04", "a zip archive that is damaged or cut short", FETCH),
    (0, b"\x1f\x8b", "packed with gzip", "Unpack it, and give the Keras file in it."),
    (0, b"7z\xbc\xaf\x27\x1c", "packed with 7-Zip", "Unpack it, and give the Keras file in it."),
    (0, b"Rar!", "a RAR archive", "Unpack it, and give the Keras file in it."),
    (257, b"ustar", "a tar archive", "Unpack it, and give the Keras file in it."),
    (0, b"RIFF", "a recording", "Give a model here; samples belong to the command `run`."),
    (0, b"\x89PNG", "a picture", SAVE),
    (0, b"%PDF", "a PDF document", SAVE),
)
# The same by the end of its name, for formats that begin with nothing of their own.
_SUFFIXES = {
    ".onnx": ("an ONNX model", REBUILD),
    ".pb": ("a graph of TensorFlow (SavedModel, or frozen)", SAVE),
    ".pt": ("a PyTorch file", REBUILD),
    ".pth": ("a PyTorch file", REBUILD),
    ".ckpt": ("a checkpoint", SAVE),
    ".index": ("a part of a TensorFlow checkpoint", SAVE),
    ".tflite": ("meant to be a TensorFlow Lite model, but not one, or damaged", ORIGIN),
    ".mlmodel": ("a Core ML model", ORIGIN),
    ".aidax": ("meant to be a model of AIDA-X, but not one, or damaged", REBUILD),
    ".nam": ("meant to be a model of Neural Amp Modeler, but not one, or damaged", REBUILD),
}
# Members of an archive, or files in a folder, and what holds them.
_HOLDERS: tuple[tuple[str, str, str], ...] = (
    ("data.pkl", "a PyTorch file", REBUILD),
    ("saved_model.pb", "a SavedModel of TensorFlow", SAVE),
    ("checkpoint", "a checkpoint of TensorFlow", SAVE),
    ("modelweights.h5", "a Keras file of a version before any release", SAVE),
    ("[Content_Types].xml", "an Office document", SAVE),
)


def _error(kind: str, hint: str) -> CompileError:
    return CompileError(f"This is {kind}, not a Keras model.", hint=hint)


def other_data(data: bytes, suffix: str) -> CompileError:
    """What to say of a file that is neither HDF5, a zip archive nor JSON.

    Args:
        suffix: Of the file's name, in lower case.
    """
    if not data.strip(b"\0"):
        return CompileError("The file is empty." if not data else "The file holds nothing but zeros.", hint=FETCH)
    for at, signature, kind, hint in _SIGNATURES:
        if data[at:].startswith(signature):
            return _error(kind, hint)
    head = data[:1000].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return _error("a web page", "Download the file itself; on GitHub that is the button `Download raw file`.")
    if int.from_bytes(data[:8], "little") < len(data) and data[8:10] == b'{"':
        return _error("a safetensors file, which holds weights without an architecture", REBUILD)
    if data[:1] == b"\x08" and any(word in data[:200] for word in (b"onnx", b"pytorch", b"sklearn", b"torch")):
        return _error(*_SUFFIXES[".onnx"])
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _error("a pickle (PyTorch, joblib or Python), which is never opened, as it could run code", SAVE)
    if suffix in _SUFFIXES:
        return _error(*_SUFFIXES[suffix])
    if data[:1] == b"[":
        return _error("a list of JSON", SAVE)
    return CompileError(
        "This is no Keras model: neither an HDF5 file (.h5), a .keras archive nor a model's JSON.",
        hint=f"{FETCH} A Keras model is what model.save() writes.",
    )


def other_json(config: Mapping[str, Any], suffix: str) -> CompileError | None:
    """What to say of JSON that is not the architecture of a Keras model; None if it may be one."""
    if "class_name" in config:
        return None
    keys = set(config)
    if keys >= {"architecture", "config", "weights"}:
        return _error(f"a model of Neural Amp Modeler ({str(config['architecture'])[:40]})", REBUILD)
    if keys >= {"in_shape", "layers"}:
        return _error("a model of RTNeural", ORIGIN)
    if keys >= {"model_data", "state_dict"}:
        return _error("a model of GuitarML (Proteus, NeuralPi, Chameleon)", REBUILD)
    if "variables" in keys and keys & {"dilations", "residual_channels"}:
        return _error("a model of GuitarML's SmartAmp", REBUILD)
    if "modelTopology" in keys:
        return _error("a model of TensorFlow.js", ORIGIN)
    if keys & {"architectures", "model_type", "transformers_version"}:
        return _error("a configuration of Hugging Face", SAVE)
    if suffix in _SUFFIXES:
        return _error(*_SUFFIXES[suffix])
    return CompileError(
        "This JSON is not the architecture of a Keras model: it has no 'class_name'.",
        hint="The architecture is what model.to_json() gives; its weights come with --weights.",
    )


def other_archive(names: Collection[str]) -> CompileError:
    """What to say of a zip archive without a Keras model at its top, by the names of its members."""
    for kind, hint in _holder(names):
        return _error(kind, hint)
    if names and all(name.endswith(".npy") for name in names):
        return _error("an archive of NumPy arrays", SAVE)
    inside = [name for name in sorted(names) if name.endswith((".keras", ".h5", "/config.json"))]
    if inside:
        return CompileError(
            f"This zip archive is no Keras model itself; it holds '{inside[0][:80]}'.",
            hint="Unpack it, and give the Keras file in it.",
        )
    return _error("a zip archive of something else (it has no 'config.json')", FETCH)


def other_folder(path: Path) -> CompileError:
    """What to say of a folder."""
    try:
        names = sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        return CompileError(f"The folder cannot be read: {error.strerror}.")
    for kind, hint in _holder(names):
        return _error(kind, hint)
    if {"report.json", "graph.json"} <= set(names):
        return CompileError(
            "This folder is a finished build, not a model.",
            hint="`python -m compiler.run` runs it, `python -m compiler.verify` checks it.",
        )
    if {"config.json", "model.weights.h5"} <= set(names):
        return CompileError(
            "This folder is an unpacked .keras file.",
            hint="Give the .keras file itself, or zip these files, without the folder, into one that ends in .keras.",
        )
    models = [name for name in names if name.endswith((".keras", ".h5"))]
    hint = f"It holds '{models[0][:80]}'." if models else "Give the .h5 or .keras file that model.save() wrote."
    return CompileError("This is a folder, not a model file.", hint=hint)


def _holder(names: Collection[str]) -> Iterator[tuple[str, str]]:
    last = {name.rpartition("/")[2] for name in names}
    yield from ((kind, hint) for member, kind, hint in _HOLDERS if member in last)


def other_hdf5(keys: Collection[str], attributes: Collection[str]) -> CompileError:
    """What to say of an HDF5 file without an architecture: weights alone, or something else."""
    if {"layer_names", "backend"} & set(attributes) or {"layers", "_layer_checkpoint_dependencies"} & set(keys):
        return CompileError(
            "This file holds the weights of a Keras model without its architecture.",
            hint="It was written by save_weights(). Give what model.save() writes; or the architecture, the JSON "
            "that model.to_json() gives, and this file with --weights.",
        )
    held = ", ".join(f"'{key[:40]}'" for key in sorted(keys)[:5]) or "nothing"
    return CompileError(
        f"This HDF5 file is no Keras model: it holds {held}, and no attribute 'model_config'.", hint=SAVE
    )
