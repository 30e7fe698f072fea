"""Functions of one number in fixed point: the integer program, numpy, C and the emulated processor say the same."""

import json

import model_files
import numpy as np
import pytest
from integer_program import Program
from random_gates import PIECES, TABLES, gates
from test_integer_program import build, differing, run_c

import compiler

GATED, GATED_PARTS, ON_THE_BOARD = 48, 2, 4
SLOPES = np.array([[0.25, -0.7, 0.01]], np.float32)
LAYERS = {
    **{name: model_files.Entry("Activation", {"activation": name}) for name in PIECES + TABLES},
    "relu_with_parameters": model_files.Entry("ReLU", {"negative_slope": 0.1, "max_value": 0.6, "threshold": 0.25}),
    "slope_alone": model_files.Entry("LeakyReLU", {"negative_slope": 0.01}),
    "slopes": model_files.Entry("PReLU", {"shared_axes": [1]}, [SLOPES]),
}


@pytest.mark.parametrize("bits", [8, 11, 16])
def test_every_input_of_every_function(bits, tmp_path):
    """All integers of the input's format, in three channels that differ: numpy, C with sanitizers; and some or all of
    them in Python's integers."""
    builds = []
    for number, (name, layer) in enumerate(LAYERS.items()):
        path = model_files.write(tmp_path / f"{name}.h5", (None, 3), layer)
        options = {"numbers": "fixed", "bits": bits, "input_range": (-4.0, 4.0 - number % 2)}
        made = compiler.compile(path, "mcu", out=tmp_path / name, name=name, **options)
        format = made.graph.inputs[0].format
        x = np.arange(format.lo, format.hi + 1)
        builds.append((made, np.stack([x, np.roll(x, 7), x[::-1]], axis=1)))
    for (made, x), y in zip(builds, run_c(builds, tmp_path / "work"), strict=True):
        assert (made.run(x, "reference", raw=True) == y).all(), made.name
        some = x[:: 1 if bits == 8 else 97]
        assert (np.array(Program(made.folder).run(some.tolist())) == y[:: 1 if bits == 8 else 97]).all(), made.name
        assert len(np.unique(y)) > 2, made.name


@pytest.mark.parametrize("part", range(GATED_PARTS))
def test_gated_graphs(part, tmp_path):
    builds = [build(seed, "mcu", tmp_path, gates) for seed in range(part, GATED, GATED_PARTS)]
    assert not differing(builds, run_c(builds, tmp_path / "work"))
    for made, x in builds:
        assert (made.run(x, "reference", raw=True) == np.array(Program(made.folder).run(x.tolist()))).all(), made.name
    for kind, share in (("Table", 0.5), ("Piecewise", 0.3), ("Binary", 0.1)):
        found = [made for made, _ in builds if any(type(op).__name__ == kind for op in made.graph.ops)]
        assert len(found) > share * len(builds), kind


def test_gated_graphs_on_the_board(tmp_path):
    builds = [build(seed, "mcu", tmp_path, gates) for seed in range(ON_THE_BOARD)]
    assert not differing(builds, [made.run(x, "emulator", raw=True) for made, x in builds])


def test_a_changed_entry_or_slope_is_noticed(tmp_path):
    """In the C alone: the integer program finds those builds, and no others."""
    builds, changed = [], []
    for number, name in enumerate(("tanh", "gelu", "leaky_relu", "slopes")):
        path = model_files.write(tmp_path / f"{name}.h5", (None, 3), LAYERS[name])
        made = compiler.compile(path, "mcu", out=tmp_path / name, name=name, numbers="fixed", bits=9)
        x = np.repeat(np.arange(-256, 256)[:, None], 3, axis=1)
        builds.append((made, x))
        if number % 2:
            file = made.folder / f"{name}_weights.h"
            head, _, rest = file.read_text().partition("_entries[" if name == "gelu" else "_slopes[")
            size, _, numbers = rest.partition("{")
            first, _, others = numbers.partition(",")
            changed.append(name)
            file.write_text(
                f"{head}{'_entries[' if name == 'gelu' else '_slopes['}{size}{{ {int(first) + 9000},{others}"
            )
    assert differing(builds, run_c(builds, tmp_path / "work")) == changed


def test_the_program_knows_a_table_by_its_file_alone(tmp_path):
    """Written out by hand: an odd table of three entries."""
    path = model_files.write(tmp_path / "net.h5", (None, 3), LAYERS["tanh"])
    made = compiler.compile(path, "mcu", out=tmp_path / "net", name="net", numbers="fixed", bits=4)
    program = Program(made.folder)
    op = {"entries": {"array": "e"}, "fraction_bits": 2, "symmetry": "odd", "mirror": 0}
    program.arrays["e"] = [0, 10, 14]
    program.formats["x"] = {"signed": True, "width": 4, "fraction": 3}
    wanted = [-52, -52, -48, -44, -40, -30, -20, -10, 0, 10, 20, 30, 40, 44, 48, 52]
    assert program.table(op, "x", [list(range(-8, 8))]) == [wanted]
    assert json.loads((made.folder / "report.json").read_text())["functions"][0]["function"] == "tanh"
