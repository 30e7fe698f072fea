"""Numbers as C: literals, and tables of millions in little time and memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.mcu.steps import CType

LINE = 112
AT_A_TIME = 1 << 13  # elements in memory as text and Python objects
LONGEST = {"float": 16, "int16_t": 6, "int32_t": 19, "int64_t": 31}  # characters of a literal


def float_literal(value: float) -> str:
    """A float literal that reads back as the same 32-bit number."""
    if np.isnan(value):
        return "NAN"
    if np.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def int_literal(value: int) -> str:
    """An int literal; the least one would otherwise be the negative of a number that is no int."""
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)


def table(name: str, ctype: CType, values: np.ndarray) -> Iterator[bytes]:
    """The definition of a constant array, piece by piece."""
    values = values.ravel()
    yield f"static const {ctype} {name}[{values.size}] = {{\n".encode()
    per_line = (LINE - 4) // (LONGEST[ctype] + 2)
    step = AT_A_TIME // per_line * per_line
    for start in range(0, values.size, step):
        items = _items(ctype, values[start : start + step])
        lines = [", ".join(items[at : at + per_line]) for at in range(0, len(items), per_line)]
        yield ("    " + ",\n    ".join(lines) + ",\n").encode()
    yield b"};\n"


def _items(ctype: CType, values: np.ndarray) -> list[str]:
    if ctype == "float":
        return _floats(np.asarray(values, np.float32))
    if ctype == "int64_t":
        return [f"INT64_C({value})" for value in values.tolist()]
    return list(map(int_literal, values.tolist()))


def _floats(values: np.ndarray) -> list[str]:
    """One format string for all: several times as fast as one for each."""
    if not np.isfinite(values).all():
        return list(map(float_literal, values.tolist()))
    # %.9g writes a whole number below 10^9 without a point, which makes no float literal.
    whole = (values == np.rint(values)) & (np.abs(values) < 1e9)
    formats = np.where(whole, "%.1ff", "%.9gf").tolist() if whole.any() else ["%.9gf"] * values.size
    return ("\n".join(formats) % tuple(values.tolist())).split("\n")
