"""Recurrence in fixed point: the integer program, numpy, C and the emulated processor say the same."""

import numpy as np
from integer_program import Program
from random_loops import loops
from test_integer_program import build, differing, run_c

LOOPS, ON_THE_BOARD = 10, 2


def test_recurrent_graphs(tmp_path):
    builds = [build(seed, "mcu", tmp_path, loops) for seed in range(LOOPS)]
    assert not differing(builds, run_c(builds, tmp_path / "work"))
    lively = 0
    for made, x in builds:
        y = made.run(x, "reference", raw=True)
        assert (y == np.array(Program(made.folder).run(x.tolist()))).all(), made.name
        assert made.graph.recurrent
        lively += len(np.unique(y)) > 20
    assert lively > LOOPS / 2
    # States as short as the values that they keep, and twice as long.
    states = [
        (state.value.format.width, made.graph.inputs[0].format.width)
        for made, _ in builds
        for state in made.graph.states
    ]
    assert {kept // given for kept, given in states} == {1, 2}


def test_recurrent_graphs_on_the_board(tmp_path):
    builds = [build(seed, "mcu", tmp_path, loops) for seed in range(ON_THE_BOARD)]
    assert not differing(builds, [made.run(x, "emulator", raw=True) for made, x in builds])


def test_a_state_that_begins_elsewhere_is_noticed(tmp_path):
    """In the C alone, whose ring begins at zero where nothing is said."""
    builds = [build(seed, "mcu", tmp_path, loops) for seed in range(2)]
    made, _ = builds[0]
    source = made.folder / f"{made.name}.c"
    text = source.read_text()
    assert "NULL, 1, " in text
    state = text.index("NULL, 1, ")
    source.write_text(
        f"{text[:state]}begun, 1, {text[state + 9 :]}".replace("#include", "#include <stdint.h>\n#include", 1)
    )
    ring = text[: text.index("(", text.rindex("nn_ring_fill_", 0, state))].rpartition("_")[2]
    kind, begun = {"i16": ("int16_t", 1 << 12), "i32": ("int32_t", 1 << 28)}[ring]
    head = made.folder / f"{made.name}_weights.h"
    head.write_text(
        head.read_text().replace(
            "#include <stdint.h>", f"#include <stdint.h>\nstatic const {kind} begun[8] = {{{begun}}};", 1
        )
    )
    assert differing(builds, run_c(builds, tmp_path / "work")) == [made.name]
