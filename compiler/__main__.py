"""python -m compiler MODEL --target mcu|fpga: compiles a Keras file."""

from __future__ import annotations

if __name__ == "__main__":
    from compiler.signals import end_quietly

    end_quietly()
    from compiler.cli import main

    main("compiler.__main__")  # once more under this name, where an interrupt during the imports below is caught

import argparse

import compiler
from compiler import boards, cli, manifest, progress, tables
from compiler.ir.numerics import ROUNDINGS
from compiler.options import FIXED, HEADROOMS, KERNELS, MODES, NUMBERS, OF_TARGET, Options
from compiler.targets import TARGETS
from compiler.verify import print_checks

EXAMPLES = """examples:
  python -m compiler wavenet.h5 --target mcu --verify
      C in float for a Cortex-M7, run on this machine and on an emulated M7, against the numpy interpreter
  python -m compiler quantized.h5 --target mcu --numbers fixed
      C in 16-bit fixed point: the quantisers in the file decide, else formats come from worst-case ranges
  python -m compiler quantized.h5 --target fpga --clock 12288000 --sample-rate 192000 --verify
      Verilog with just the multipliers that this clock and rate need, simulated

A build is a folder that stands by itself. Go on with
  python -m compiler.run BUILD --input x.wav --output y.wav --on reference|host|emulator|rtl
  python -m compiler.verify BUILD

exit codes: 0 done, 1 a check failed, 2 bad input (nothing is written) or a missing tool"""


def parser() -> argparse.ArgumentParser:
    """The command line, which is its own manual."""
    p = cli.Parser(
        prog="python -m compiler",
        description="Compiles a trained Keras file (.h5, .keras; Keras 3, or tf_keras with QKeras layers) "
        "to C for a microcontroller or to Verilog for an FPGA.",
        epilog=EXAMPLES,
    )
    p.add_argument("model", help="what model.save() wrote, or a .json with --weights")
    p.add_argument("--target", required=True, choices=tuple(TARGETS), help="mcu: C for a Cortex-M; fpga: Verilog")
    p.add_argument("--out", metavar="DIR", help="folder to write; default build/<stem>-<target>")
    p.add_argument("--name", metavar="N", help="what every symbol and file begins with; default the file's stem")
    p.add_argument(
        "--weights", metavar="W.h5", help="the weights of a .json model, or what to take instead of the file's own"
    )
    p.add_argument(
        "--mode",
        choices=MODES,
        default=Options.mode,
        help="sample by sample or in whole frames; auto streams where the model can",
    )
    p.add_argument("--verify", action="store_true", help="run the build against the interpreter, and measure it")
    p.add_argument("--print-graph", action="store_true", help="print what the target is given")
    p.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")
    p.add_argument("--version", action="version", version=f"keras-silicon {compiler.__version__}")
    numbers = p.add_argument_group("numbers")
    numbers.add_argument(
        "--numbers",
        choices=NUMBERS,
        help="default float on mcu (quantisers in the file are executed), fixed on fpga; q15 is fixed with 16 "
        "bits, 16x8 (or q7) with 16 bits and weights of 8, 8 with 8 bits throughout",
    )
    numbers.add_argument(
        "--bits",
        type=cli.whole,
        metavar="N",
        help=f"in fixed point, of values without a quantiser; default {FIXED['bits']}",
    )
    numbers.add_argument(
        "--weight-bits",
        type=cli.whole,
        metavar="N",
        help=f"in fixed point, of weights without a quantiser; default {FIXED['weight_bits']}",
    )
    numbers.add_argument(
        "--rounding",
        choices=ROUNDINGS,
        help=f"in formats that the compiler chooses; default {FIXED['rounding']}",
    )
    numbers.add_argument(
        "--table-error",
        type=cli.number,
        metavar="BITS",
        help="in fixed point, by how many last bits a table may miss its function (tanh, sigmoid, ...), rounding "
        f"included; default {FIXED['table_error']:g}",
    )
    numbers.add_argument(
        "--calibrate",
        metavar="X",
        help="in fixed point, a .npy, .npz or .wav of what the model will be given: formats hold what values come to "
        "there, and saturate beyond",
    )
    numbers.add_argument(
        "--headroom",
        choices=HEADROOMS,
        help="whether formats hold all that values can come to, or what they came to; default calibrated with "
        "--calibrate, else proven",
    )
    numbers.add_argument(
        "--input-range",
        type=cli.number,
        nargs=2,
        metavar=("LO", "HI"),
        help="what the input stays in: a fixed-point build saturates beyond, and every build is verified within; "
        "default -1 1",
    )
    mcu = p.add_argument_group("mcu")
    mcu.add_argument(
        "--kernels",
        choices=KERNELS,
        help="what does the products: plain C, CMSIS-DSP, or in floating point assembly for the Cortex-M7, with the "
        "same bits as C and half its instructions; default auto, which is c",
    )
    mcu.add_argument(
        "--board",
        choices=tuple(boards.BOARDS),
        help=f"the emulated board on which the build is tried and measured; default {boards.DEFAULT}",
    )
    rates = p.add_argument_group("rates")
    rates.add_argument(
        "--sample-rate",
        type=cli.whole,
        default=Options.sample_rate_hz,
        metavar="HZ",
        dest="sample_rate_hz",
        help="samples a second",
    )
    rates.add_argument(
        "--clock",
        type=cli.whole,
        metavar="HZ",
        dest="clock_hz",
        help=f"of the FPGA; default {OF_TARGET['fpga']['clock_hz']}",
    )
    rates.add_argument(
        "--multipliers",
        type=cli.whole,
        metavar="N",
        help="spend up to N on the FPGA and be as fast as they allow; default: as few as clock and rate need",
    )
    return p


def command() -> int:
    """Reads the command line, compiles, and verifies if asked to."""
    given = vars(parser().parse_args())
    model, target, out, name = (given.pop(key) for key in ("model", "target", "out", "name"))
    verify, print_graph, quiet = (given.pop(key) for key in ("verify", "print_graph", "quiet"))
    with progress.shown(not quiet), progress.stage(f"reading {model}"):
        build = compiler.compile(model, target, out=out, name=name, **given)
    if print_graph:
        cli.say(build.graph)
    for warning in manifest.warnings(build.report):
        cli.say(f"note: {warning}")
    code = print_checks(build, quiet=quiet) if verify else cli.DONE
    if not quiet:
        cli.say(f"{tables.heading(build.folder, build.report)}\n{tables.summary(build.report)}")
    if not quiet and code == cli.DONE:
        device = TARGETS[build.target].runs_on[1]  # the first one is the interpreter
        cli.say(tables.next_command(build.folder, build.graph, device, verified=verify))
    return code
