"""`python -m zoo`: lists the systems of the zoo, trains, measures and draws them."""

import argparse
import os
import sys
import traceback
from importlib import import_module

from zoo.command import VERBS, System
from zoo.screen import Screen

SYSTEMS = {
    "big_batch": "zoo.big_batch.command",
    "calibration": "zoo.calibration.command",
    "channels": "zoo.channels.command",
    "ensembles": "zoo.ensembles.command",
    "guitarml": "zoo.captures.guitarml.command",
    "kalman": "zoo.kalman.command",
    "line": "zoo.line.command",
    "metric_learning": "zoo.metric_learning.command",
    "nam": "zoo.captures.nam.command",
    "ood": "zoo.ood.command",
    "rtneural": "zoo.captures.rtneural.command",
    "run": "zoo.runs.command",
    "wavenet": "zoo.wavenet.command",
}
"""Every system: its name, and the module that holds its SYSTEM."""


DEBUG = "KERAS_SILICON_DEBUG"
"""A variable of the environment: where it is set, an error's traceback is shown above its line."""


def system(name: str) -> System:
    """What the command line needs to know of one system."""
    return import_module(SYSTEMS[name]).SYSTEM


def parser() -> argparse.ArgumentParser:
    """The whole command line. Imports no framework, so that help and mistakes answer at once."""
    whole = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    top = argparse.ArgumentParser(
        prog="python -m zoo",
        description="Keras models that are small enough for a microcontroller or an FPGA, with all it takes to train "
        "them.",
        epilog="Start with:  python -m zoo train wavenet     What a training leaves behind goes on to\n"
        "             python -m compiler build/zoo/wavenet/wavenet.h5 --target mcu",
        **whole,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser(
        "list", help="the systems and what they do", description="Lists the systems and their verbs.", **whole
    )
    systems = {name: system(name) for name in SYSTEMS}
    for verb, line in VERBS.items():
        command = commands.add_parser(
            verb, help=line, description=f"{line[0].upper()}{line[1:]}. Each has its own --help.", **whole
        )
        named = command.add_subparsers(dest="system", metavar="SYSTEM", required=True)
        for name, one in systems.items():
            if verb not in one.verbs:
                continue
            does = one.verbs[verb]
            own = named.add_parser(name, help=one.summary, description=does.description, epilog=does.epilog, **whole)
            does.add_arguments(own)
            if does.reports:
                own.add_argument("--quiet", action="store_true", help="print the results, and no progress")
            own.set_defaults(verb=does, parser=own)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs a command.

    Returns:
        0 when done; 2 for arguments, files or a machine with which it cannot be done; 130 when Ctrl-C stopped it.
    """
    try:
        return _main(argv)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - or Python complains when it flushes at its end
        return 0
    except KeyboardInterrupt:  # before there was anything to stop
        print("stopped.", file=sys.stderr)
        return 130


def _main(argv: list[str] | None) -> int:
    options = vars(parser().parse_args(argv))
    if options.pop("command") == "list":
        for name in SYSTEMS:
            one = system(name)
            print(f"{name:16} {one.summary}\n{'':16} {', '.join(one.verbs)}")
        print("\npython -m zoo VERB NAME --help says more about each.")
        return 0
    verb, own = options.pop("verb"), options.pop("parser")
    del options["system"]
    screen = Screen(quiet=options.pop("quiet", False))
    if verb.reports:
        options["report"] = screen
    try:
        verb.run(**options)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        screen.clear()
        print(f"stopped. {verb.stopped}".rstrip(), file=sys.stderr)
        return 130
    except Exception as error:
        screen.clear()
        if os.environ.get(DEBUG) and not isinstance(error, ValueError | OSError):
            traceback.print_exc()
        if isinstance(error, ValueError):
            own.error(explained(error))
        print(f"{own.prog}: error: {explained(error)}", file=sys.stderr)
        return 2
    return 0


def explained(error: Exception) -> str:
    """What an error means to whoever typed the command, in one line."""
    if isinstance(error, ValueError | OSError):  # arguments or files; a full disk, a folder that may not be written
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed; pip install '.[zoo]' in the repository installs all that training needs"
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "there is not enough memory for this; smaller batches or a smaller network need less"
    *_, last = traceback.extract_tb(error.__traceback__)  # of a file that `run` was given, or of this program
    return f"{type(error).__name__} in {last.filename}, line {last.lineno}: {error}"


if __name__ == "__main__":
    sys.exit(main())
