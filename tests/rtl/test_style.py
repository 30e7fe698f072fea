"""What every Verilog file of the library has in common, and that no tool finds anything to say about it."""

import itertools
import re
import subprocess

import pytest

from sim.runner import RTL, SIM

FILES = sorted([*RTL.rglob("*.v"), *SIM.glob("*.v")])
# The modules with parameters that change their structure.
SHAPES = {
    "requantize": [["SHIFT=0"], ["SHIFT=-3"], ["SHIFT=1"], ["SHIFT=50"], ["LOW=0", "HIGH=1000"]],
    "dot_product": [["LANES=2"], ["LANES=5", "COLUMNS=3"], ["ACC_WIDTH=20"]],
    "activation_cache": [
        *(["LANES=3"], ["TAPS=1", "CHANNELS=1"], ["CHANNELS=5", "DILATION=7", "REPEATS=3"]),
        *(['STORAGE="registers"', *more] for more in (["LANES=3"], ["TAPS=1", "CHANNELS=1"], ["REPEATS=3"])),
    ],
    "row_by_matrix_multiply": [["INPUT_LANES=3", "OUTPUT_LANES=3"], ["ROWS=1", "COLUMNS=1"]],
    "conv1d": [["INPUT_LANES=2", "OUTPUT_LANES=3"], ["INPUTS=1", "OUTPUTS=1", "TAPS=1"], ["TAPS=1", "OUTPUT_LANES=4"]],
    "counter": [["MODULUS=1"], ["MODULUS=5"]],
    "word_packer": [["LANES=1"], ["LANES=3"]],
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(RTL.parent).as_posix())
def test_file(path):
    lines = path.read_text().splitlines()
    assert re.match(r"// \w", lines[0]), "line 1 says what it is"
    assert lines[1] == "// SPDX-License-Identifier: 0BSD"
    assert "`default_nettype none" in lines and lines[-1] == "`default_nettype wire"
    assert all(len(line) <= 120 and line == line.rstrip() and "\t" not in line for line in lines)
    modules = [line for line in lines if re.match(r"module \w", line)]
    assert len(modules) == 1, "one module in one file"
    assert modules[0].split()[1].lower() == path.stem
    for above, line in itertools.pairwise(lines):
        if re.match(r"    parameter\b", line):
            assert above.startswith("    // "), f"no comment above: {line}"


VARIANTS = [
    pytest.param(path, options, id=" ".join([path.stem, *options]))
    for path in sorted(RTL.glob("*.v"))
    for options in [[], *SHAPES.get(path.stem, [])]
]


@pytest.mark.parametrize("path,options", VARIANTS)
def test_icarus_has_no_warnings(path, options):
    command = ["iverilog", "-g2005", "-Wall", "-o", "/dev/null", "-y", str(RTL), "-s", path.stem, str(path)]
    command += [f"-P{path.stem}.{option}" for option in options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("path,options", VARIANTS)
def test_verilator_has_no_warnings(path, options):
    command = ["verilator", "--lint-only", "-Wall", "-y", str(RTL), "--top-module", path.stem, str(path)]
    done = subprocess.run([*command, *(f"-G{option}" for option in options)], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
