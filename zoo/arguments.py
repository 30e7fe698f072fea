"""Types for command-line arguments, with messages that say what would have been right."""

import argparse
import os
from pathlib import Path


def whole(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def seed(text: str) -> int:
    """A whole number that every random generator takes."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def folder(text: str) -> Path:
    """A folder that exists and can be written to, or that can be made."""
    path = Path(text)
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


def add_images(parser: argparse.ArgumentParser) -> None:
    """`--data`, the images to train on."""
    parser.add_argument(
        "--data",
        choices=("cifar10", "digits"),
        default="cifar10",
        help="the images: cifar10 from $ZOO_DATA or downloaded, or scikit-learn's digits (default: cifar10)",
    )
