"""Reads a JSON file of another project so that every field is used, or refused by its name."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

LARGEST_FILE = 256 << 20
"""Bytes: the captures that people share have some hundred thousand."""

_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a group",
}


class Fields:
    """The fields of one group, each to be taken once; `done` refuses those that nobody took.

    Args:
        content: the group.
        where: its name, as a message shows it: `amp.nam: config.layers[0]`.
    """

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._left = dict(content)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The whole of a file.

        Raises:
            OSError: it cannot be read.
            ValueError: it is no JSON, or no group of fields.
        """
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"{path} has more than {LARGEST_FILE >> 20} MiB, the most that is read")
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is no JSON file, or cut short: {error}") from None
        if not isinstance(content, dict):
            raise ValueError(f"{path} holds a {_kind(content)} where there should be a group of fields")
        return cls(content, str(path))

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str, kind: type, default: Any = ...) -> Any:
        """A field of one kind, which is not in the group afterwards.

        Args:
            key: its name.
            kind: bool, int, float (whole numbers are numbers too), str, list or dict.
            default: what it is where it is missing; without one it must be there.

        Raises:
            ValueError: it is missing, or of another kind, or a number that is not finite.
        """
        if key not in self._left:
            if default is ...:
                raise ValueError(f"{self.where}: the field '{key}' is missing")
            return default
        value = self._left.pop(key)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number if kind is float else isinstance(value, bool) if kind is bool else _is(value, kind)):
            raise self.wrong(key, f"should be {_KINDS[kind]} and is {_shown(value)}")
        if number and not math.isfinite(value):
            raise self.wrong(key, f"is {value}")
        return float(value) if kind is float else value

    def peek(self, key: str, kind: type) -> Any:
        """As `take`, and the field stays."""
        value = self.take(key, kind)
        self._left[key] = value
        return value

    def count(self, key: str, default: Any = ..., *, most: int = 4096) -> int:
        """A field that counts something, from 1 to a limit beyond which the file is taken for damaged."""
        value = self.take(key, int, default)
        if not 1 <= value <= most:
            raise self.wrong(key, f"is {value}, and should be from 1 to {most}")
        return value

    def group(self, key: str) -> Self:
        """A group within."""
        return type(self)(self.take(key, dict), f"{self.where}: {key}")

    def groups(self, key: str) -> Iterator[Self]:
        """The groups of a list."""
        for number, one in enumerate(self.take(key, list)):
            if not isinstance(one, dict):
                raise self.wrong(f"{key}[{number}]", f"should be a group and is {_shown(one)}")
            yield type(self)(one, f"{self.where}: {key}[{number}]")

    def only(self, key: str, *allowed: Any) -> Any:
        """A field that may be missing, and has one of a few values where it is there: all that is understood of it."""
        value = self._left.pop(key, allowed[0])
        if not any(value == one and type(value) is type(one) for one in allowed):
            known = " or ".join(_shown(one) for one in allowed)
            raise self.wrong(key, f"is {_shown(value)}, and only {known} is understood")
        return value

    def each(self, key: str, count: int, default: Any) -> list[Any]:
        """A field with one value for each of `count` layers, or one that holds for all of them."""
        value = self._left.pop(key, default)
        if not isinstance(value, list):
            return [value] * count
        if len(value) != count:
            raise self.wrong(key, f"holds {len(value)} values for {count} layers")
        return value

    def array(self, key: str, *shape: int) -> np.ndarray:
        """A field of numbers, float32, of a shape."""
        return numbers(self.take(key, list), shape, f"{self.where}: '{key}'")

    def drop(self, *keys: str) -> None:
        """Fields that change nothing."""
        for key in keys:
            self._left.pop(key, None)

    def rest(self) -> dict[str, Any]:
        """What is left, which is taken by that."""
        left, self._left = self._left, {}
        return left

    def done(self) -> None:
        """Refuses what nobody took."""
        if self._left:
            raise self.wrong(next(iter(self._left)), "is not understood, and what it means might be heard")

    def wrong(self, key: str, what: str) -> ValueError:
        """An error about one field."""
        return ValueError(f"{self.where}: the field '{key}' {what}")


class Stream:
    """Weights in one long list, taken in order.

    Args:
        values: the list.
        where: its name, for messages.
    """

    def __init__(self, values: list[Any], where: str) -> None:
        self.where = where
        self._values = numbers(values, (len(values),), where)
        self._at = 0

    def take(self, *shape: int) -> np.ndarray:
        """The next numbers, as an array of a shape."""
        size = math.prod(shape)
        if self._at + size > self._values.size:
            raise ValueError(f"{self.where}: {self._values.size:,} numbers are too few for this network")
        self._at += size
        return self._values[self._at - size : self._at].reshape(shape)

    def done(self) -> None:
        """Refuses what nobody took."""
        if left := self._values.size - self._at:
            raise ValueError(f"{self.where}: {left:,} of {self._values.size:,} numbers belong to no layer")


def numbers(values: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Nested lists as float32 of a shape; a ValueError that names them where they are not."""
    try:
        array = np.asarray(values, np.float64)
    except (ValueError, TypeError):
        raise ValueError(f"{where} should hold numbers, in lists of equal lengths") from None
    if array.shape != shape:
        raise ValueError(f"{where} has the shape {array.shape}, and should have {shape}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{where} holds a number that is not finite")
    return array


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _kind(value: Any) -> str:
    return next((name.split(" ", 1)[1] for kind, name in _KINDS.items() if _is(value, kind)), "null")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
