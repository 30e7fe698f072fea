"""An integer program that knows no line of the compiler computes what builds compute: in C, and as Verilog."""

import re
import subprocess

import model_files
import numpy as np
import pytest
from integer_program import Program, rounded
from random_branches import branches
from random_chains import chain, samples

import compiler

IN_C, PARTS = 150, 6  # graphs, and tests that share them
BRANCHED, BRANCHED_PARTS = 60, 3
ON_THE_BOARD = 6
IN_VERILOG, VERILOG_PARTS = 20, 4
SAMPLES, VERILOG_SAMPLES = 48, 24
UNDEFINED = "-fsanitize=signed-integer-overflow,shift-exponent,bounds,alignment"

MAIN = """#include <stdint.h>
#include <stdio.h>
%(includes)s
static const size_t cut[] = {1, 7, 2, 31};
#define RUN(name, NAME, samples) do { \\
    static name##_t state; \\
    static int16_t x[samples * NAME##_INPUTS], y[samples * NAME##_OUTPUTS]; \\
    FILE *in = fopen(#name ".in", "rb"), *out = fopen(#name ".out", "wb"); \\
    if (!in || !out || fread(x, sizeof x, 1, in) != 1) return 1; \\
    name##_init(&state); \\
    for (size_t at = 0, block = 0; at < samples; block++) { \\
        size_t count = cut[block %% 4] < samples - at ? cut[block %% 4] : samples - at; \\
        name##_process(&state, x + at * NAME##_INPUTS, y + at * NAME##_OUTPUTS, count); \\
        at += count; \\
    } \\
    if (fwrite(y, sizeof y, 1, out) != 1) return 1; \\
    fclose(in); \\
    fclose(out); \\
} while (0)

int main(void)
{
%(runs)s
    return 0;
}
"""


def build(seed, target, folder, make=chain):
    """The build of a seed, and its input."""
    model = make(seed)
    path = model_files.write(folder / "model.h5", (None, model.channels), *model.layers)
    name = f"net_{seed}"
    options = {"numbers": "fixed"} if target == "mcu" else {}
    made = compiler.compile(path, target, out=folder / name, name=name, **options, **model.options)
    format = made.graph.inputs[0].format
    steps = SAMPLES if target == "mcu" else VERILOG_SAMPLES
    return made, samples(seed, format.lo, format.hi, (steps, model.channels))


def run_c(builds, work):
    """What the C of some builds makes of their inputs, all of it one program; streams are cut into uneven calls."""
    work.mkdir()
    includes, runs = [], []
    for made, x in builds:
        for file in made.folder.glob("*.[ch]"):
            (work / file.name).write_bytes(file.read_bytes())
        includes.append(f'#include "{made.name}.c"')
        runs.append(f"    RUN({made.name}, {made.name.upper()}, {len(x)});")
        x.astype(np.int16).tofile(work / f"{made.name}.in")
    (work / "main.c").write_text(MAIN % {"includes": "\n".join(includes), "runs": "\n".join(runs)})
    flags = ["-std=c99", "-O0", "-DNN_COMPACT", UNDEFINED, "-fno-sanitize-recover=all", "-I."]
    subprocess.run(["gcc", *flags, "main.c", "-o", "main", "-lm"], cwd=work, check=True)
    subprocess.run(["./main"], cwd=work, check=True)
    columns = [made.graph.outputs[0].size for made, _ in builds]
    return [
        np.fromfile(work / f"{b.name}.out", np.int16).reshape(-1, n) for (b, _), n in zip(builds, columns, strict=True)
    ]


def differing(builds, ys):
    """The builds whose output is not what the integer program says."""
    pairs = zip(builds, ys, strict=True)
    return [made.name for (made, x), y in pairs if Program(made.folder).run(x.tolist()) != y.tolist()]


@pytest.mark.parametrize("part", range(PARTS))
def test_c(part, tmp_path):
    builds = [build(seed, "mcu", tmp_path) for seed in range(part, IN_C, PARTS)]
    ys = run_c(builds, tmp_path / "work")
    assert not differing(builds, ys)
    # They would prove little if they were constant.
    assert sum(len(np.unique(y)) > 2 for y in ys) > 0.5 * len(ys)


@pytest.mark.parametrize("part", range(BRANCHED_PARTS))
def test_branches_in_c(part, tmp_path):
    builds = [build(seed, "mcu", tmp_path, branches) for seed in range(part, BRANCHED, BRANCHED_PARTS)]
    assert not differing(builds, run_c(builds, tmp_path / "work"))
    for made, x in builds:
        assert (made.run(x, "reference", raw=True) == np.array(Program(made.folder).run(x.tolist()))).all(), made.name
    lively = [made for made, x in builds if len(np.unique(Program(made.folder).run(x.tolist()))) > 2]
    for kind, share in (("Sum", 0.5), ("Concatenate", 0.15), ("Binary", 0.05)):
        found = [made for made in lively if any(type(op).__name__ == kind for op in made.graph.ops)]
        assert len(found) > share * len(builds), kind


def test_branches_on_the_board(tmp_path):
    builds = [build(seed, "mcu", tmp_path, branches) for seed in range(ON_THE_BOARD)]
    assert not differing(builds, [made.run(x, "emulator", raw=True) for made, x in builds])


@pytest.mark.parametrize("part", range(VERILOG_PARTS))
def test_verilog(part, tmp_path):
    builds = [build(seed, "fpga", tmp_path) for seed in range(part, IN_VERILOG, VERILOG_PARTS)]
    assert not differing(builds, [made.run(x, "rtl", raw=True) for made, x in builds])


def test_a_flipped_weight_is_noticed(tmp_path):
    """In the C of every second build whose output moves much: only those are found to differ."""
    builds = [build(seed, "mcu", tmp_path) for seed in range(24)]
    lively = [made for made, x in builds if len(np.unique(Program(made.folder).run(x.tolist()))) > 20]
    flipped = lively[::2]
    assert len(flipped) >= 4
    for made in flipped:
        path = made.folder / f"{made.name}_weights.h"
        path.write_text(with_a_flip(path.read_text()))
    assert differing(builds, run_c(builds, tmp_path / "work")) == [made.name for made in flipped]


def with_a_flip(text):
    """The sign of the largest weight of the last product turned round."""
    body = list(re.finditer(r"_weights\[\d+\] = \{(.*?)\}", text, re.DOTALL))[-1]
    largest = max(re.finditer(r"-?\d+", body[1]), key=lambda match: abs(int(match[0])))
    at = body.start(1) + largest.start()
    return text[:at] + str(-int(largest[0])) + text[at + len(largest[0]) :]


def test_the_rounding_rules():
    """Ties and their neighbours, written out."""
    table = {
        "floor": [-2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2],
        "half_up": [-2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2],
        "half_even": [-2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2],
    }
    for rounding, wanted in table.items():
        assert [rounded(n, 2, rounding) for n in range(-8, 9)] == wanted
    assert rounded(-5, -3, "floor") == -40
