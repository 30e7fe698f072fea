"""keras-silicon COMMAND: the one command of an installed package. Each word runs what `python -m` runs beside it."""

from __future__ import annotations

import sys
from importlib import import_module

from compiler.signals import end_quietly

COMMANDS = {
    "compile": ("compiler.__main__", "compile a Keras file to C or to Verilog     (python -m compiler)"),
    "run": ("compiler.run", "run a finished build on samples from a file (python -m compiler.run)"),
    "verify": ("compiler.verify", "check a finished build against its graph    (python -m compiler.verify)"),
    "inspect": ("compiler.inspect", "list a model's layers and what they cost    (python -m compiler.inspect)"),
    "ranges": ("compiler.ranges", "prove between which values outputs lie      (python -m compiler.ranges)"),
    "zoo": ("zoo.__main__", "train, measure and draw the zoo's models    (python -m zoo)"),
}
USAGE = "usage: keras-silicon COMMAND ...\n\ncommands, each with its own --help:\n" + "\n".join(
    f"  {word:8}  {what}" for word, (_, what) in COMMANDS.items()
)


def main() -> None:
    """Runs the command that the first word names, with the words behind it."""
    end_quietly()
    from compiler import cli

    word, *rest = sys.argv[1:] or [""]
    if word in ("-h", "--help"):
        print(USAGE)
    elif word == "--version":
        from compiler.version import __version__

        print(f"keras-silicon {__version__}")
    elif word in COMMANDS:
        sys.argv = [f"keras-silicon {word}", *rest]
        if word == "zoo":
            cli.guard(lambda: import_module(COMMANDS[word][0]).main())
        cli.main(COMMANDS[word][0])
    else:
        print(f"{USAGE}\n\nkeras-silicon: error: no command '{word}'" if word else USAGE, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
