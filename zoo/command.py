"""What `python -m zoo` asks of a system: a line of summary, and the verbs that it understands."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

VERBS = {
    "train": "train a system and write its files",
    "evaluate": "measure what a training left behind, beside plain baselines",
    "show": "draw what a training left behind",
}
"""Every verb, with one line of help."""


@dataclass(frozen=True)
class Verb:
    """One verb of one system.

    Attributes:
        description: what it does, for `--help`.
        epilog: what it leaves behind, and examples.
        add_arguments: declares its options.
        run: does it. A ValueError says what is wrong with the arguments or files, and ends the command with code 2.
    """

    description: str
    epilog: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


@dataclass(frozen=True)
class System:
    """One system of the zoo, as `zoo/<name>/command.py` offers it under the name SYSTEM.

    Attributes:
        summary: one line.
        verbs: by name, out of `VERBS`.
    """

    summary: str
    verbs: Mapping[str, Verb]
