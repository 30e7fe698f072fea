"""What `python -m zoo` asks of a system: a line of summary, and the verbs that it understands."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from zoo.quiet import quiet_import

VERBS = {
    "train": "train a system and write its files",
    "evaluate": "measure what a training left behind, beside plain baselines",
    "show": "draw what a training left behind",
    "import": "make a Keras model of another project's file",
}
"""Every verb, with one line of help."""

GOES_ON = "The same command goes on after the last epoch that it finished."
"""What becomes of a training that Ctrl-C has stopped."""


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares nothing."""


@dataclass(frozen=True)
class Verb:
    """One verb of one system.

    Attributes:
        description: what it does, for `--help`.
        epilog: what it leaves behind, and examples.
        function: does it: the dotted name of a function that takes every option as a keyword, and whose answer is
            printed: a text, a path or a list of paths. A ValueError says what is wrong with the arguments or files, and
            ends the command with code 2. It is imported when it is called, as a rule with a framework behind it.
        add_arguments: declares its options.
        reports: whether the function also takes `report`, a `zoo.screen.Report`; then there is `--quiet`.
        fast_convolutions: as `zoo.quiet.quiet_import`.
        stopped: what becomes of it when Ctrl-C stops it.
    """

    description: str
    epilog: str
    function: str
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    reports: bool = False
    fast_convolutions: bool = False
    stopped: str = ""

    def run(self, **options: Any) -> None:
        """Calls the function, and prints its answer."""
        module, name = self.function.rsplit(".", 1)
        with quiet_import(fast_convolutions=self.fast_convolutions):
            function = getattr(import_module(module), name)
        answer = function(**options)
        if getattr(options.get("report"), "said", False) and isinstance(answer, str):
            print()  # between progress and results
        for line in answer if isinstance(answer, list | tuple) else [answer]:
            if isinstance(line, str | Path):
                print(line)


@dataclass(frozen=True)
class System:
    """One system of the zoo, as `zoo/<name>/command.py` offers it under the name SYSTEM.

    Attributes:
        summary: one line.
        verbs: by name, out of `VERBS`.
    """

    summary: str
    verbs: Mapping[str, Verb]
