"""The signals that ask a program to end, answered so that nothing temporary stays behind and no traceback is seen.

It imports next to nothing, because it is the first thing that a command imports.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

ENDING_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # those that ask a program to end, and can be answered
ENDED_BY = 128  # and the number of the signal: the exit code that shells expect
_came: list[int] = []


class Ended(KeyboardInterrupt):
    """A signal asks the program to end; what is open is closed and removed on the way out.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def end_quietly() -> None:
    """From now on Ctrl-C ends the program at once and without a word: nothing has been begun yet."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_in_order() -> None:
    """From now on SIGTERM and SIGHUP end the program as Ctrl-C does, so that nothing temporary stays behind."""
    for number in ENDING_SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    _came.append(number)
    raise Ended(number)


def asked_to_end() -> int | None:
    """The signal that has asked this program to end: what fails afterwards has no other cause.

    Extension modules that are interrupted as they are imported turn `Ended` into an ImportError.
    """
    return _came[0] if _came else None


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
