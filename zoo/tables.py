"""Tables as text."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], *, least: int = 0, gap: int = 2, left: bool = False) -> str:
    """Rows of cells as lines, without blanks at their ends.

    Args:
        rows: the head and the rows below it, as many cells in each. The first column begins at the left.
        least: width of every other column at least.
        gap: blanks between columns.
        left: whether the other columns begin at the left too, instead of ending at the right.
    """
    widths = [max(least if column else 0, *map(len, cells)) for column, cells in enumerate(zip(*rows, strict=True))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if left or not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * gap).join(cells).rstrip())
    return "\n".join(lines)


def mean_and_spread(mean: float, deviation: float | None, places: int, sign: str = "+-") -> str:
    """A mean and its standard deviation; the mean alone where there is none (None or NaN)."""
    spread = "" if deviation is None or deviation != deviation else f" {sign} {deviation:.{places}f}"
    return f"{mean:.{places}f}{spread}"
