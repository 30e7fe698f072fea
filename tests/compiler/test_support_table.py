"""The table of layers in docs/layers.md is the one that the cases make."""

import sys
from pathlib import Path

from support_table import support_table

from compiler.lowering import noop

PAGE = Path(__file__).parents[2] / "docs" / "layers.md"
BEGIN, END = "<!-- support table -->\n", "<!-- end -->"


def write():
    """Puts the present table into the page: python tests/compiler/test_support_table.py."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + support_table(frozenset(noop.KEYS)) + END + after)


def test_the_page_has_the_table():
    between = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert between == support_table(frozenset(noop.KEYS))


if __name__ == "__main__":
    sys.exit(write())
