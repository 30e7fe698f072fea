"""The README's table of layers is the one that the cases make."""

import sys
from pathlib import Path

from support_table import support_table

from compiler.lowering import noop

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- support table -->\n", "<!-- end -->"


def write():
    """Puts the present table into the README: python tests/compiler/test_support_table.py."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(before + BEGIN + support_table(frozenset(noop.KEYS)) + END + after)


def test_the_readme_has_the_table():
    between = README.read_text().partition(BEGIN)[2].partition(END)[0]
    assert between == support_table(frozenset(noop.KEYS))


if __name__ == "__main__":
    sys.exit(write())
