"""`python -m zoo train | evaluate | show wavenet`."""

import argparse
from pathlib import Path

from zoo.arguments import folder, seed, whole
from zoo.command import System, Verb
from zoo.quiet import quiet_import

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


def _which_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quantized", action="store_true", help="the 16-bit network for fixed-point hardware")
    parser.add_argument(
        "--out",
        type=folder,
        metavar="DIR",
        help="folder of the files (default: build/zoo/wavenet, with --quantized build/zoo/wavenet-quantized)",
    )


def _out(arguments: argparse.Namespace) -> Path:
    return arguments.out or Path("build/zoo") / ("wavenet-quantized" if arguments.quantized else "wavenet")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _which_arguments(parser)
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="same seed, same weights (default: 0)")
    parser.add_argument("--epochs", type=whole, metavar="N", help="how long to train (default: 20, about 40 seconds)")
    parser.add_argument("--batches", type=whole, metavar="N", help="batches in an epoch (default: 300; quantized: 400)")
    parser.add_argument("--batch-size", type=whole, metavar="N", help="waves in a batch (default: 8)")
    parser.add_argument(
        "--samples",
        type=whole,
        metavar="N",
        help="length of a wave, more than the receptive field (default: 1024; quantized: 512)",
    )


def _train(arguments: argparse.Namespace) -> None:
    out = _out(arguments)
    with quiet_import():
        from dataclasses import replace

        from zoo.wavenet.experiment import QUANTIZED_RECIPE, RECIPE, train

    chosen = {name: getattr(arguments, name) for name in ("epochs", "batches", "batch_size", "samples")}
    standard = QUANTIZED_RECIPE if arguments.quantized else RECIPE
    recipe = replace(standard, **{name: value for name, value in chosen.items() if value is not None})
    trained = train(
        quantized=arguments.quantized,
        out=out,
        seed=arguments.seed,
        recipe=recipe,
        report=lambda line: print(line, flush=True),
    )
    print(f"\n{out}: {', '.join(path.name for path in trained.files.values())}   ({trained.seconds:.0f} s)")


def _evaluate(arguments: argparse.Namespace) -> None:
    with quiet_import():
        from zoo.wavenet.experiment import evaluate, table
    print(table(evaluate(_out(arguments), quantized=arguments.quantized)))


def _show(arguments: argparse.Namespace) -> None:
    with quiet_import():
        from zoo.wavenet.experiment import show
    print(show(_out(arguments), quantized=arguments.quantized))


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(_TRAINING, _FILES, _train_arguments, _train),
        "evaluate": Verb(
            "Measures a trained network on held-out waves, beside polynomials and linear filters.",
            "Errors are in decibels below the power of the wave: lower is better.",
            _which_arguments,
            _evaluate,
        ),
        "show": Verb(
            "Draws the four corners, target and network, as corners.png, and prints where it is.",
            "",
            _which_arguments,
            _show,
        ),
    },
)
