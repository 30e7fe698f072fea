"""Files that are written beside their place and then renamed, so that what stood there stays until they are whole."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from compiler.errors import CompileError
from compiler.signals import deferred_signals

try:
    import fcntl
except ImportError:  # Windows has no advisory locks; leftovers stay there
    fcntl = None

LONGEST_NAME = 180  # bytes of a name that is lengthened to that of a temporary file; systems allow 255


def check_path(path: Path) -> None:
    """Refuses a path that a later command would take for an option.

    Raises:
        CompileError: It begins with a dash, or its last part does.
    """
    if str(path).startswith("-") or path.name.startswith("-"):
        raise CompileError(
            "begins with a dash, so that other commands would take it for an option",
            file=short(path),
            hint="Give a name that does not begin with a dash.",
        )


def short(path: Path | str) -> str:
    """A path for a message, cut where it is longer than anybody reads."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:200]}...{text[-80:]}"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write, which becomes `path` when the block ends without an exception, and else nothing.

    A symbolic link is followed, a device or a pipe written to as it is; folders are made where they are missing.
    What earlier writes of the same file have left behind, because they were killed, is removed.

    Raises:
        CompileError: The path is a folder, or begins with a dash, or cannot be written.
    """
    check_path(path)
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise CompileError("is a folder, not a file", file=short(path))
    if target.exists() and not target.is_file():
        whole = io.BytesIO()
        yield whole
        target.write_bytes(whole.getvalue())
        return
    made = make_folder(target.parent)
    beside = _sweep(target)
    try:
        with beside.open("xb") as file:
            lock(file.fileno())
            yield file
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except BaseException as error:
        with deferred_signals():
            beside.unlink(missing_ok=True)
            remove_empty(made)
        if not isinstance(error, OSError):
            raise
        # numpy tells of a full disk in numbers alone.
        why = error.strerror or "the disk took only a part of it, it may be full"
        raise CompileError(f"cannot be written: {why}", file=short(path)) from None


def _sweep(target: Path) -> Path:
    """Removes what nobody writes to any more, and says what to write to."""
    name = target.name
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    ours = re.compile(re.escape(f".{name}.") + r"[0-9a-f]{8}\.part")
    for leftover in [path for path in target.parent.iterdir() if ours.fullmatch(path.name)]:
        remove_unlocked(leftover)
    return target.with_name(f".{name}.{secrets.token_hex(4)}.part")


def remove_unlocked(leftover: Path) -> None:
    """Removes a temporary file unless whoever writes it is alive; what cannot be removed stays."""
    with contextlib.suppress(OSError), leftover.open("rb") as file:
        if fcntl and lock(file.fileno()):
            leftover.unlink(missing_ok=True)


def lock(descriptor: int) -> bool:
    """Takes a file or folder for oneself, until it is closed or the program ends. False if another has it."""
    if not fcntl:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def make_folder(folder: Path) -> list[Path]:
    """Makes a folder and those above it. Returns the ones that were missing, innermost first.

    Raises:
        CompileError: Something else is in its place, or it may not be made there.
    """
    missing = []
    for place in (folder, *folder.parents):
        if place.exists():
            break
        missing.append(place)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompileError(
            f"cannot be made a folder: {error.strerror}", file=short(folder), hint="Give another place to write to."
        ) from None
    return missing


def remove_empty(folders: list[Path]) -> None:
    """Removes folders, innermost first, as long as they are empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()
