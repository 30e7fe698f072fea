"""Prints every number of the README."""

from bench import compile_time, functions, instructions, resources, scaling
from compiler import cli


def main() -> None:
    """Runs the scripts one after the other."""
    for script in (instructions, functions, resources, compile_time, scaling):
        script.main()
        print()


if __name__ == "__main__":
    cli.guard(main)
