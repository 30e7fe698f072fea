"""`python -m zoo`: lists the systems of the zoo and trains them."""

import argparse
import sys
from importlib import import_module

SYSTEMS = {"wavenet": "zoo.wavenet.command"}
"""Every system that can be trained: its name and the module with SUMMARY, DESCRIPTION, EPILOG, add_arguments, run."""


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
    commands.add_parser("list", help="what there is to train", description="Lists what there is to train.")
    train = commands.add_parser(
        "train", help="train one system", description="Trains one system; each has its own --help.", allow_abbrev=False
    )
    systems = train.add_subparsers(dest="system", metavar="SYSTEM", required=True)
    for name, module in SYSTEMS.items():
        system = import_module(module)
        own = systems.add_parser(
            name,
            help=system.SUMMARY,
            description=system.DESCRIPTION,
            epilog=system.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        system.add_arguments(own)
        own.set_defaults(run=system.run, parser=own)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs a command; 0 when done, 2 for arguments that make no sense."""
    arguments = parser().parse_args(argv)
    if arguments.command == "list":
        for name, module in SYSTEMS.items():
            print(f"{name:12} {import_module(module).SUMMARY}")
        print("\npython -m zoo train NAME --help says more about each.")
        return 0
    try:
        arguments.run(arguments)
    except ValueError as wrong:  # arguments that are each fine but do not go together
        arguments.parser.error(str(wrong))
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
