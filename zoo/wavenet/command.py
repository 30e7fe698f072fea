"""`python -m zoo train | evaluate | show wavenet`."""

import argparse

from zoo.arguments import add_recipe, add_seed, folder, whole
from zoo.command import GOES_ON, System, Verb
from zoo.wavenet.recipe import Recipe

_SUMMARY = "WaveNet waveshaper: a triangle wave and a 2-d embedding in, sine, ramp, square or zigzag out"

_TRAINING = """\
Trains a small causal WaveNet that turns a triangle wave into a sine, a ramp, a square or a zigzag, or into mixtures
of two of them. Two more inputs, a point in a 2-d embedding, say which: sine (0, 0), ramp (0, 1), square (1, 0),
zigzag (1, 1). The waves are made on the spot, 40 to 2,000 Hz at 48 kHz; nothing is downloaded.

  float (default)   465 parameters, receptive field 256 samples; Keras 3
  --quantized       1,572 parameters, receptive field 64; every value a signed 16-bit number with 12 fraction bits,
                    embedding corners at -1 and 1, four channels in and out; tf_keras and QKeras
"""

_FILES = """\
The folder then holds
  wavenet.keras, wavenet.h5   the network, ready to be loaded or compiled
  history.csv                 loss and error, epoch by epoch
  corners.png                 the four corners: target and network
and the screen shows the error at each corner beside what polynomials and linear filters reach.
Errors are in decibels below the power of the wave: lower is better, 0 dB is silence.

examples
  python -m zoo train wavenet
  python -m zoo train wavenet --quantized --seed 3
  python -m zoo train wavenet --epochs 2 --out /tmp/quick
"""


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quantized", action="store_true", help="the 16-bit network for fixed-point hardware")
    parser.add_argument(
        "--out",
        type=folder,
        metavar="DIR",
        help="folder of the files (default: build/zoo/wavenet, with --quantized build/zoo/wavenet-quantized)",
    )


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _which(parser)
    add_seed(parser)
    add_recipe(
        parser,
        Recipe,
        "waves",
        epochs="20, about 40 seconds",
        batch_size="8",
        learning_rate="0.01; quantized: 0.02",
    )
    parser.add_argument("--batches", type=whole, metavar="N", help="batches in an epoch (default: 300; quantized: 400)")
    parser.add_argument(
        "--samples",
        type=whole,
        metavar="N",
        help="length of a wave, more than the receptive field (default: 1024; quantized: 512)",
    )


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.wavenet.experiment.train_command",
            _train_arguments,
            reports=True,
            stopped=GOES_ON,
        ),
        "evaluate": Verb(
            "Measures a trained network on held-out waves, beside polynomials and linear filters.",
            "Errors are in decibels below the power of the wave: lower is better.",
            "zoo.wavenet.experiment.evaluate",
            _which,
        ),
        "show": Verb(
            "Draws the four corners, target and network, as corners.png, and prints where it is.",
            "",
            "zoo.wavenet.experiment.show",
            _which,
        ),
    },
)
