"""How far long work has come: a bar on a terminal, a line now and then elsewhere, nothing where nobody asked for it.

Whoever works says so with `stage`, `now` and `advance`; a command decides with `shown` that it is seen, on standard
error. There is one work at a time, and so one state, which the thread that redraws it shares.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

FIRST_LINE_S, LINES_S, REDRAW_S = 10.0, 15.0, 0.25


class _Display(Protocol):
    """Shows one stage."""

    interval: float

    def show(self, what: str, done: int) -> None: ...
    def hide(self) -> None: ...
    def close(self) -> None: ...


class _Stage:
    """A piece of work: what it is doing, and how much of it is done."""

    def __init__(self, what: str, display: _Display) -> None:
        self.what, self.display = what, display
        self.done = 0
        self.peek: Callable[[], int] | None = None
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._redraw, daemon=True)
        self._thread.start()

    def draw(self) -> None:
        """Shows how far it is now. What cannot be shown is no reason to stop working."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self.display.show(self.what, self.done + (self.peek() if self.peek else 0))

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Room for other output."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self.display.hide()
        yield
        self.draw()

    def close(self) -> None:
        """Removes it from the screen."""
        self._end.set()
        self._thread.join()
        with contextlib.suppress(OSError, ValueError):
            self.display.close()

    def _redraw(self) -> None:
        while not self._end.wait(self.display.interval):
            self.draw()


class _Bar:
    """A bar on a terminal with the rate and the time left; without a total, the time gone by."""

    interval = REDRAW_S

    def __init__(self, what: str, total: int | None, unit: str) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # this module redraws
        shape = None if total else "{desc} [{elapsed}]"
        options = {"leave": False, "dynamic_ncols": True, "mininterval": 0, "bar_format": shape, "file": sys.stderr}
        self._bar = tqdm(desc=what, total=total, unit=f" {unit}", **options)

    def show(self, what: str, done: int) -> None:
        self._bar.set_description(what, refresh=False)
        self._bar.n = done if self._bar.total is None else min(done, self._bar.total)
        self._bar.refresh()

    def hide(self) -> None:
        self._bar.clear()

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """A line after some seconds, and then every so often: for files and pipes."""

    def __init__(self, total: int | None, unit: str) -> None:
        self.interval = FIRST_LINE_S
        self._total, self._unit, self._begin = total, unit, time.monotonic()
        self._next = self._begin + FIRST_LINE_S

    def show(self, what: str, done: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self.interval, self._next = LINES_S, now + LINES_S
        gone = now - self._begin
        text = f"{what}: {gone:.0f} s"
        if self._total and done:
            rate = done / gone
            left = (self._total - done) / rate
            text += f", {done:,} of {self._total:,} {self._unit}, {rate:,.0f} a second, {left:.0f} s left"
        print(text, file=sys.stderr, flush=True)

    def hide(self) -> None:
        pass

    def close(self) -> None:
        pass


_wanted = False
_stage: _Stage | None = None


@contextlib.contextmanager
def shown(wanted: bool = True) -> Iterator[None]:
    """Inside, what is being done is shown, if wanted."""
    global _wanted
    before, _wanted = _wanted, wanted
    try:
        yield
    finally:
        _wanted = before


@contextlib.contextmanager
def stage(what: str, total: int | None = None, unit: str = "samples") -> Iterator[None]:
    """A piece of work. Within another one it is what that is doing now, and counts nothing of its own.

    Args:
        what: A few words, beginning with a verb: "verifying".
        total: How much there is to do, if that is known.
        unit: Of what, in the plural.
    """
    global _stage
    if not _wanted or _stage:
        now(what)
        yield
        return
    _stage = _Stage(what, _Bar(what, total, unit) if sys.stderr.isatty() else _Lines(total, unit))
    try:
        yield
    finally:
        ended, _stage = _stage, None
        ended.close()


def now(what: str) -> None:
    """Says what is being done now."""
    if _stage:
        _stage.what = what
        _stage.draw()


def advance(count: int) -> None:
    """So much more is done."""
    if _stage:
        _stage.done += count
        _stage.draw()


@contextlib.contextmanager
def peeking(count: Callable[[], int]) -> Iterator[None]:
    """While this lasts, so much more is done as `count` says whenever it is asked, perhaps in another thread."""
    if _stage:
        _stage.peek = count
    try:
        yield
    finally:
        if _stage:
            _stage.peek = None


def hidden() -> contextlib.AbstractContextManager[None]:
    """Room on the screen for other output."""
    return _stage.hidden() if _stage else contextlib.nullcontext()
