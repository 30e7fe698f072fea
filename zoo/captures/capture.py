"""A network with what its file says about itself, written as a `.keras` file that keeps both."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

KEY = "capture"
"""In `metadata.json` of a `.keras` file: where what is known of a network's origin lies."""

LONGEST_TEXT = 200


@dataclass(frozen=True)
class Capture:
    """A network and its origin.

    Args:
        model: with `audio` of shape (None, channels) as its first input, and `knobs` of shape (n,) as its second where
            it has knobs.
        about: texts and numbers by name: `format`, `sample_rate_hz`, `loudness_db`, `gain`, `name` and others.
    """

    model: keras.Model
    about: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Writes a `.keras` file, as a whole or not at all. Keras loads it as any other.

        Args:
            path: ends with `.keras`.
        """
        written, partial = path.with_name(f"{path.stem}.partial.keras"), path.with_name(f"{path.name}.partial")
        try:
            self.model.save(written)
            with zipfile.ZipFile(written) as plain, zipfile.ZipFile(partial, "w") as kept:
                for member in plain.infolist():
                    data = plain.read(member)
                    if member.filename == "metadata.json":
                        data = json.dumps({**json.loads(data), KEY: dict(self.about)}).encode()
                    kept.writestr(member, data)
            partial.replace(path)
        finally:
            written.unlink(missing_ok=True)
            partial.unlink(missing_ok=True)


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The texts and numbers of a group, without groups and lists within, and without texts that nobody wrote."""
    return {
        key: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for key, value in values.items()
        if isinstance(value, str | int | float | bool) and value != ""
    }


def save_and_tell(capture: Capture, file: Path, out: Path | None) -> str:
    """Writes the model, and says what it is.

    Returns:
        The report: a line for each thing that is known.

    Raises:
        ValueError: `out` has another suffix.
    """
    out = out or file.with_suffix(".keras")
    if out.suffix != ".keras":
        raise ValueError(f"--out {out}: the file's name should end with .keras")
    out.parent.mkdir(parents=True, exist_ok=True)
    capture.save(out)
    known = {"parameters": f"{capture.model.count_params():,}"} | {
        key.replace("_", " "): value for key, value in capture.about.items() if key != "file"
    }
    width = max(map(len, known))
    return "\n".join([f"{out}", *(f"  {key:{width}}  {value}" for key, value in known.items())])
