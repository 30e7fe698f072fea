"""`python -m zoo import nam`: a file in, a Keras model out."""

from pathlib import Path

from zoo.captures.capture import save_and_tell
from zoo.captures.nam.file import read


def import_command(file: Path, out: Path | None, size: float) -> str:
    """Reads a file and writes the model; the answer says what it is."""
    return save_and_tell(read(file, size), file, out)
