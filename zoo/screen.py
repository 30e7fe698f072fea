"""What a command says while it works: lines, and on a terminal one more that is written over and over."""

import shutil
import sys
from collections.abc import Callable
from typing import TextIO

Report = Callable[[str], None]
"""Takes a line of progress. A `Screen` is one, and so are `print` and `list.append`."""


def silent(line: str) -> None:
    """A `Report` that says nothing."""


class Screen:
    """A `Report` for people: `screen(line)` prints a line, `screen.live(line)` one that the next one replaces.

    Args:
        stream: where to; None for the standard output.
        quiet: say nothing at all.

    Attributes:
        is_live: whether `live` shows anything, which it does on a terminal alone.
        said: whether a line has been printed.
    """

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self.stream, self.quiet = stream or sys.stdout, quiet
        self.is_live = not quiet and self.stream.isatty()
        self.said, self._standing = False, False

    def __call__(self, line: str) -> None:
        """Prints a line that stays. Where nobody reads any more, the work goes on in silence."""
        if self.quiet:
            return
        try:
            self.clear()
            print(line, file=self.stream, flush=True)
            self.said = True
        except BrokenPipeError:
            self.quiet, self.is_live = True, False

    def live(self, line: str) -> None:
        """Shows a line until the next one, cut to the width of the terminal."""
        if self.is_live:
            self.stream.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
            self.stream.flush()
            self._standing = True

    def clear(self) -> None:
        """Takes away a line that `live` has left."""
        if self._standing:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._standing = False
