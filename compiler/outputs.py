"""Files that are written beside their place and then renamed, so that what stood there stays until they are whole."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from compiler.errors import CompileError

try:
    import fcntl
except ImportError:  # Windows has no advisory locks; leftovers stay there
    fcntl = None

ENDING_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # those that ask a program to end, and can be answered
ENDED_BY = 128  # and the number of the signal: the exit code that shells expect
LONGEST_NAME = 180  # bytes of a name that is lengthened to that of a temporary file; systems allow 255


class Ended(KeyboardInterrupt):
    """A signal asks the program to end; what is open is closed and removed on the way out.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def end_in_order() -> None:
    """From now on SIGTERM and SIGHUP end the program as Ctrl-C does, so that nothing temporary stays behind."""

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        raise Ended(number)

    for number in ENDING_SIGNALS[1:]:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


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
def deferred_signals() -> Iterator[None]:
    """What stands inside is done whole: a signal that asks the program to end is answered afterwards."""
    if threading.current_thread() is not threading.main_thread():  # signals never interrupt the others
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)

    handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    handlers = {number: handler for number, handler in handlers.items() if handler not in (None, signal.SIG_IGN)}
    for number in handlers:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


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
    """Makes a folder and those above it. Returns the ones that were missing, innermost first."""
    missing = []
    for place in (folder, *folder.parents):
        if place.exists():
            break
        missing.append(place)
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def remove_empty(folders: list[Path]) -> None:
    """Removes folders, innermost first, as long as they are empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()
