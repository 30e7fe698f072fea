"""Command-line arguments that systems share, and their types, with messages that say what would have been right."""

import argparse
import math
import os
from pathlib import Path

from zoo.recipe import Recipe


def whole(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def rate(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def seed(text: str) -> int:
    """A whole number that every random generator takes."""
    if not (text.isascii() and text.isdecimal()) or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def written(text: str) -> Path:
    """A path to write to. One that begins with a dash would be taken for an option by the next command that gets it."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    if text.startswith("-"):
        raise argparse.ArgumentTypeError(f"{text!r} begins with a dash, like an option: write ./{text}")
    return Path(text)


def folder(text: str) -> Path:
    """A folder that exists and can be written to, or that can be made."""
    path = written(text)
    standing = next(place for place in [path.absolute(), *path.absolute().parents] if place.exists())
    if not standing.is_dir():
        raise argparse.ArgumentTypeError(f"{standing} is a file, so there cannot be a folder {text}")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"{standing} is not writable")
    return path


def add_out(parser: argparse.ArgumentParser, default: str) -> None:
    """`--out`, the folder of a system's files."""
    parser.add_argument(
        "--out", type=folder, default=Path(default), metavar="DIR", help=f"folder of the files (default: {default})"
    )


def add_images(parser: argparse.ArgumentParser, default: str = "cifar10") -> None:
    """`--data`, the images to train on."""
    parser.add_argument(
        "--data",
        choices=("cifar10", "digits"),
        default=default,
        help=f"the images: cifar10 from $ZOO_DATA or downloaded, or scikit-learn's digits (default: {default})",
    )


def add_recipe(parser: argparse.ArgumentParser, kind: type[Recipe], samples: str = "images", **defaults: str) -> None:
    """The fields that all recipes have, as options that are None where they are not given.

    Args:
        parser: of the verb.
        kind: of recipe.
        samples: what a batch is made of.
        **defaults: what a field is where it is not given, for help: `epochs="20, about 40 seconds"`. Without one for
            `precision` there is no `--precision`.
    """

    def default(name: str) -> str:
        return f"(default: {defaults[name]})"

    parser.add_argument("--epochs", type=whole, metavar="N", help=f"how long to train {default('epochs')}")
    parser.add_argument("--batch-size", type=whole, metavar="N", help=f"{samples} in a batch {default('batch_size')}")
    parser.add_argument(
        "--learning-rate", type=rate, metavar="R", help=f"the optimizer's, at its highest {default('learning_rate')}"
    )
    if "precision" in defaults:
        choices = [one for one in kind.precisions if one]
        parser.add_argument("--precision", choices=choices, help=f"of the layers {default('precision')}")


def add_seed(parser: argparse.ArgumentParser, what: str = "same seed, same weights") -> None:
    """`--seed`."""
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=f"{what} (default: 0)")
