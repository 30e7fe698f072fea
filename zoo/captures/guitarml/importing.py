"""`python -m zoo import guitarml`: a file in, a Keras model out."""

from pathlib import Path

from zoo.captures.capture import save_and_tell
from zoo.captures.guitarml.file import read


def import_command(file: Path, out: Path | None) -> str:
    """Reads a file and writes the model; the answer says what it is."""
    return save_and_tell(read(file), file, out)
