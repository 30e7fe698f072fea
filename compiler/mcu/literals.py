"""Numbers as C: literals, and tables of millions in little time and memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.mcu.places import CType

LINE = 112
AT_A_TIME = 1 << 13  # elements in memory as text and Python objects
LONGEST = {
    "float": 16,
    "int8_t": 4,
    "uint8_t": 2,
    "int16_t": 6,
    "int32_t": 19,
    "int64_t": 31,
}  # characters of a literal


def float_literal(value: float) -> str:
    """A float literal that reads back as the same 32-bit number; what is beyond those is infinite, as in a cast."""
    with np.errstate(over="ignore"):
        single = np.float32(value)
    if np.isnan(single):
        return "NN_NAN"
    if np.isinf(single):
        return "NN_INFINITY" if single > 0 else "-NN_INFINITY"
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def int_literal(value: int, ctype: CType = "int32_t") -> str:
    """A literal of a type; the least int would otherwise be the negative of a number that is no int."""
    if ctype == "int64_t":
        return f"INT64_C({value})"
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)


def table(name: str, ctype: CType, values: np.ndarray, section: str = "") -> Iterator[bytes]:
    """The definition of a constant array, piece by piece; `section` is a macro that says where it lies."""
    where = f"{section} " if section else ""
    values = values.ravel()
    yield f"{where}static const {ctype} {name}[{values.size}] = {{\n".encode()
    per_line = (LINE - 4) // (LONGEST[ctype] + 2)
    step = AT_A_TIME // per_line * per_line
    for start in range(0, values.size, step):
        part = values[start : start + step]
        numbers = tuple(np.asarray(part, np.float32).tolist() if ctype == "float" else part.tolist())
        items = _formats(ctype, part)
        lines = [", ".join(items[at : at + per_line]) for at in range(0, len(items), per_line)]
        yield (("    " + ",\n    ".join(lines) + ",\n") % numbers).encode()
    yield b"};\n"


def _formats(ctype: CType, values: np.ndarray) -> list[str]:
    """How each element is written: all in one go is several times as fast as each by itself."""
    if ctype == "int64_t":
        return ["INT64_C(%d)"] * values.size
    if ctype != "float":
        least = values == -(1 << 31)
        return np.where(least, int_literal(-(1 << 31)) + "%.0s", "%d").tolist() if least.any() else ["%d"] * values.size
    finite = np.isfinite(values)
    if not finite.all():
        return [float_literal(value) + "%.0s" for value in values.tolist()]
    # %.9g writes a whole number below 10^9 without a point, which makes no float literal.
    whole = (values == np.rint(values)) & (np.abs(values) < 1e9)
    return np.where(whole, "%.1ff", "%.9gf").tolist() if whole.any() else ["%.9gf"] * values.size
