"""`python -m zoo import rtneural`."""

import argparse

from zoo.captures.arguments import EPILOG, add_file
from zoo.command import System, Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_file(parser, "model.json")


SYSTEM = System(
    "networks of RTNeural (.json): dense, convolutional and recurrent layers in a row",
    {
        "import": Verb(
            "Makes a Keras model of RTNeural's .json file: dense, conv1d, gru, lstm, batchnorm, prelu, activation.\n"
            "What is not understood in a file is refused by its name.",
            EPILOG.format(name="rtneural", file="model.json", stem="model"),
            "zoo.captures.rtneural.importing.import_command",
            _arguments,
        ),
    },
)
