"""Reads Keras models into specifications of layers and weights. Imports no Keras and runs nothing it reads.

read         .h5, .keras, or .json with weights beside it: containers.py opens, hdf5.py and jsons.py mistrust
from_model   a live model: live.py asks it for the same things
ModelSpec    what comes out: spec.py. configs.py makes it, nodes.py reads calls, weights.py finds whose is what
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from compiler.errors import CompileError
from compiler.keras_file import containers
from compiler.keras_file.configs import read_model
from compiler.keras_file.live import from_model
from compiler.keras_file.spec import Call, LayerSpec, ModelSpec, TensorRef, leaves

__all__ = ["Call", "LayerSpec", "ModelSpec", "TensorRef", "from_model", "leaves", "read"]


def read(path: str | Path, weights: str | Path | None = None) -> ModelSpec:
    """Reads a model file.

    Args:
        path: `.h5` or `.keras`, or the `.json` that `model.to_json()` gives.
        weights: What `save_weights` wrote, `.h5` or `.weights.h5`: needed with a `.json`, and used instead of
            its own with the others.

    Raises:
        CompileError: A file is missing, is no model, is damaged or holds what a model cannot; names the file.
    """
    with _naming(path):
        data = containers.bytes_of(Path(path))
        opened = containers.open_model(data, Path(path).suffix.lower())
        source = opened.weights
    sha256 = hashlib.sha256(data)
    if weights is not None:
        with _naming(weights):
            data = containers.bytes_of(Path(weights))
            source = containers.open_weights(data)
        sha256.update(data)
    if source is None:
        raise CompileError("holds an architecture without weights", file=str(path), hint="Give them with --weights.")
    with _naming(path):
        spec = read_model(opened.config, source, sha256.hexdigest(), opened.keras_major)
    return replace(spec, capture=opened.capture)


@contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Puts the file's name on an error."""
    try:
        yield
    except CompileError as error:
        error.file = error.file or str(path)
        raise
