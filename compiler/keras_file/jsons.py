"""JSON from a file that may hold anything: bounded before it is parsed, and typed where it is used."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import numpy as np

from compiler.errors import CompileError

LARGEST = 16 << 20  # bytes: ten thousand layers with all their initialisers fit in
MOST_VALUES = 2_000_000  # in objects and lists; Keras spends about twelve bytes on each
DEEPEST = 150  # brackets within brackets; a model within a model adds about six
LONGEST_INTEGER = 18  # digits
LONGEST_NUMBER = 400

# Possessive, and content with the end of the text for a closing quote, so that it never looks twice.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.?+[^"\\]*+)*+"?', re.DOTALL)


def parse(data: str | bytes, where: str) -> dict[str, Any]:
    """An object of JSON; no NaN, no infinity, no endless integers, no depth that a recursion could fall into.

    Raises:
        CompileError: Naming `where`.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > LARGEST:
        raise CompileError(f"'{where}' has {len(raw)} bytes; {LARGEST} are read at most")
    depth, values = _size(raw)
    if depth > DEEPEST:
        raise CompileError(f"'{where}' nests deeper than {DEEPEST} brackets")
    if values > MOST_VALUES:
        raise CompileError(f"'{where}' has {values:,} values; {MOST_VALUES:,} are read at most")
    try:
        value = json.loads(raw, parse_int=_integer, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise CompileError(f"'{where}' is not JSON: {error}") from None
    return an_object(value, f"'{where}'")


def _size(raw: bytes) -> tuple[int, int]:
    """Upper bounds on the depth of brackets, exact for well-formed JSON, and on the number of values."""
    text = np.frombuffer(_STRINGS.sub(b"", raw), np.uint8)
    opening, closing = (text == ord("[")) | (text == ord("{")), (text == ord("]")) | (text == ord("}"))
    values = np.count_nonzero(opening) + np.count_nonzero((text == ord(",")) | (text == ord(":")))
    return int(np.cumsum(opening.astype(np.int32) - closing).max(initial=0)), values


def _integer(digits: str) -> int | float:
    """A longer one becomes a real number: QKeras writes -2^63 for a bound that constrains nothing."""
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits) if len(digits) <= LONGEST_INTEGER else _number(digits)


def _number(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits[:20]} is no number")
    return number


def _constant(name: str) -> str:
    """Infinity, which HGQ2 writes for a speed of training, as text: who needs a number there refuses that."""
    if name == "NaN":
        raise ValueError("NaN is no number")
    return name


def shown(value: Any) -> str:
    """A value for an error message, cut short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _unfit(value: Any, what: str, wanted: str, layer: str | None) -> NoReturn:
    raise CompileError(f"{what} is {shown(value)}, not {wanted}", layer=layer)


def an_object(value: Any, what: str, layer: str | None = None) -> dict[str, Any]:
    """`value`, if it is an object of JSON. `what` and `layer` say in the error whose it is."""
    return value if isinstance(value, dict) else _unfit(value, what, "an object", layer)


def a_list(value: Any, what: str, layer: str | None = None) -> list[Any]:
    """`value`, if it is a list."""
    return value if isinstance(value, list) else _unfit(value, what, "a list", layer)


def an_index(value: Any, what: str, layer: str | None = None) -> int:
    """`value`, if it is an integer from 0 on."""
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if fits else _unfit(value, what, "an index", layer)


def a_name(value: Any, what: str, layer: str | None = None) -> str:
    """`value`, if it is text that can be printed on one line."""
    fits = isinstance(value, str) and value.isprintable()
    return value if fits else _unfit(value, what, "a name", layer)
