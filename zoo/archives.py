"""Files of arrays, .npz that may be damaged, and of settings, .json as a whole or not at all; numpy only."""

import csv
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIGNS_OF_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, EOFError, ValueError, KeyError),
    *(TypeError, AttributeError),  # an array instead of an archive
    *(NotImplementedError, RuntimeError),  # zipfile, of methods of compression and encryption that were never used
)
"""What numpy and zipfile raise for a file that is cut short or changed; none of them says so."""


def read_arrays(path: Path | str) -> dict[str, np.ndarray]:
    """Every array of an .npz file, by name. Nothing is unpickled.

    Raises:
        OSError: the file is not there, or cannot be read.
        ValueError: it is damaged, or no such file.
    """
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except SIGNS_OF_DAMAGE as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """A JSON file for people, written as a whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A table with a head, one line for each row; written as a whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", newline="") as text:
        table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    partial.replace(path)
