"""`python -m zoo import guitarml`."""

import argparse

from zoo.captures.arguments import EPILOG, add_file
from zoo.command import System, Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_file(parser, "model.json")


SYSTEM = System(
    "captures of GuitarML (.json of NeuralPi, Proteus, SmartAmp): LSTM and GRU, with and without knobs",
    {
        "import": Verb(
            "Makes a Keras model of a .json file of NeuralPi, Proteus or SmartAmp: LSTM or GRU, with the input added\n"
            "where the file says so. Knobs become a second input. What is not understood is refused by its name.",
            EPILOG.format(name="guitarml", file="model.json", stem="model"),
            "zoo.captures.guitarml.importing.import_command",
            _arguments,
        ),
    },
)
