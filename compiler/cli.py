"""What the commands share: exit codes, one message and no traceback, whatever happens.

Nothing but the standard library is imported here: a command imports what it needs behind `main`, so that an
interrupt or a missing package ends in a message too.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import re
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

from compiler import progress, signals
from compiler.errors import CheckError, CompileError

DONE, CHECK_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
DEBUG = "KERAS_SILICON_DEBUG"
LONGEST_MESSAGE = 3000  # characters; it may quote a path or a compiler


class Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Keeps the examples as they are written, and shows defaults."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        silent = action.default in (None, False) or "default" in (action.help or "")
        return action.help if silent else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """A command line that guesses nothing: an option is written out whole."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(formatter_class=Help, allow_abbrev=False, **arguments)
        # -1e6 and -0.5,0.3 are numbers too, and no options.
        self._negative_number_matcher = re.compile(r"-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(,.*)?$", re.IGNORECASE)

    def error(self, message: str) -> NoReturn:
        """A mistake in the command line; an option that is nearly one is answered with it."""
        unknown = re.findall(r"(?<= )--[\w-]+", message) if message.startswith("unrecognized") else []
        options = [option for action in self._actions for option in action.option_strings]
        found = [near for option in unknown for near in difflib.get_close_matches(option, options, n=1)]
        super().error(message + f" (did you mean {' and '.join(dict.fromkeys(found))}?)" * bool(found))


def whole(text: str) -> int:
    """A whole number, for `type` of an argument."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """A number, for `type` of an argument."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def add_trust(parser: argparse.ArgumentParser) -> None:
    """--trust-changes, of the commands that run what lies in a folder."""
    parser.add_argument(
        "--trust-changes",
        action="store_true",
        help="run the build although its files have changed since; they are code: know who changed them",
    )


def say(text: object) -> None:
    """Prints a line at once. Where nobody reads any more, the work goes on all the same, and so does its exit code."""
    try:
        with progress.hidden():
            print(text, flush=True)
    except BrokenPipeError:
        _drop_output()


def main(module: str) -> NoReturn:
    """Imports a module and runs its `command`, under `guard`."""
    guard(lambda: import_module(module).command())


def guard(command: Callable[[], int | None]) -> NoReturn:
    """Runs a command and exits: 0 done, 1 a check failed, 2 anything that kept it from its work; never a traceback."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names of layers and folders may hold what a terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    signals.end_in_order()
    code: int | str | None
    try:
        code = command() or DONE
    except SystemExit as end:  # of argparse
        code = end.code
    except CheckError as error:
        code = _failed(f"failed: {error}", CHECK_FAILED)
    except CompileError as error:
        code = _failed(f"error: {error}")
    except KeyboardInterrupt:
        code = _failed("stopped", INTERRUPTED)
    except MemoryError:
        code = _failed("error: there is not enough memory for this")
    except ModuleNotFoundError as error:
        code = _failed(f"error: the package '{error.name}' is not installed\n  Run `make setup`.")
    except OSError as error:  # a full disk, a folder that may not be written
        where = f"{os.fspath(error.filename)}: " if isinstance(error.filename, str | os.PathLike) else ""
        code = _failed(f"error: {where}{error.strerror or error}")
    except Exception as error:
        code = _failed(_fault(error))
    code = _settled(code)
    if signals.asked_to_end():
        _leave(code)
    sys.exit(code)


def _leave(code: int | str | None) -> NoReturn:
    """Ends at once, after a signal: everything temporary has gone, and what is left cannot be taken down in order.

    Extension modules that were interrupted as they were imported are half made; Python crashes when it unloads them.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else BAD_INPUT)


def _open_streams() -> None:
    """Gives the standard streams that were closed when the program began somewhere to go.

    Else Python has None for them, and the next file that is opened takes their place.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115, PTH123 -- until the program ends


def _failed(message: str, code: int = BAD_INPUT) -> int:
    if number := signals.asked_to_end():
        message, code = "stopped", signals.ENDED_BY + number
    if len(message) > LONGEST_MESSAGE and not os.environ.get(DEBUG):
        message = f"{message[: LONGEST_MESSAGE // 2]} ... {message[-LONGEST_MESSAGE // 2 :]}"
    with contextlib.suppress(OSError):  # nobody may read any more
        print(message, file=sys.stderr, flush=True)
    return code


def _settled(code: int | str | None) -> int | str | None:
    """The exit code once all output has left; what cannot leave is dropped, or Python would fail at it once more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        return code or _failed(f"error: standard output cannot be written: {error}")
    return code


def _fault(error: Exception) -> str:
    """What to say of a mistake of our own."""
    if os.environ.get(DEBUG):
        return "".join(traceback.format_exception(error)).rstrip()
    what = " ".join(str(error).split())
    return (
        f"error: this is a fault of keras-silicon itself ({type(error).__name__}{': ' if what else ''}{what})\n"
        f"  Please report it, with the model if you can; {DEBUG}=1 in the environment prints where it happened."
    )


def _drop_output() -> None:
    """Lets what is still to be written to standard output go nowhere, so that no one fails at it again."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # it is no file, or closed
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 -- until the program ends
