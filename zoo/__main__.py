"""`python -m zoo`: lists the systems of the zoo, trains, measures and draws them."""

import argparse
import sys
from importlib import import_module

from zoo.command import VERBS, System

SYSTEMS = {
    "calibration": "zoo.calibration.command",
    "ensembles": "zoo.ensembles.command",
    "metric_learning": "zoo.metric_learning.command",
    "ood": "zoo.ood.command",
    "run": "zoo.runs.command",
    "wavenet": "zoo.wavenet.command",
}
"""Every system: its name, and the module that holds its SYSTEM."""


def system(name: str) -> System:
    """What the command line needs to know of one system."""
    return import_module(SYSTEMS[name]).SYSTEM


def parser() -> argparse.ArgumentParser:
    """The whole command line. Imports no framework, so that help and mistakes answer at once."""
    top = argparse.ArgumentParser(
        prog="python -m zoo",
        description="Keras models that are small enough for a microcontroller or an FPGA, with all it takes to train "
        "them.",
        epilog="Start with:  python -m zoo train wavenet     What a training leaves behind goes on to\n"
        "             python -m compiler build/zoo/wavenet/wavenet.h5 --target mcu",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("list", help="the systems and what they do", description="Lists the systems and their verbs.")
    systems = {name: system(name) for name in SYSTEMS}
    for verb, line in VERBS.items():
        command = commands.add_parser(
            verb, help=line, description=f"{line[0].upper()}{line[1:]}. Each has its own --help.", allow_abbrev=False
        )
        named = command.add_subparsers(dest="system", metavar="SYSTEM", required=True)
        for name, one in systems.items():
            if verb not in one.verbs:
                continue
            own = named.add_parser(
                name,
                help=one.summary,
                description=one.verbs[verb].description,
                epilog=one.verbs[verb].epilog,
                formatter_class=argparse.RawDescriptionHelpFormatter,
                allow_abbrev=False,
            )
            one.verbs[verb].add_arguments(own)
            own.set_defaults(run=one.verbs[verb].run, parser=own)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs a command; 0 when done, 2 for arguments or files that make no sense."""
    arguments = parser().parse_args(argv)
    if arguments.command == "list":
        for name in SYSTEMS:
            one = system(name)
            print(f"{name:16} {one.summary}\n{'':16} {', '.join(one.verbs)}")
        print("\npython -m zoo VERB NAME --help says more about each.")
        return 0
    try:
        arguments.run(arguments)
    except ValueError as wrong:  # arguments that are each fine but do not go together, or a file that is not there
        arguments.parser.error(str(wrong))
    except OSError as wrong:  # a full disk, a folder that may not be written
        print(f"{arguments.parser.prog}: error: {wrong}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
