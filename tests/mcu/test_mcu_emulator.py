"""The same C on an emulated Cortex-M7: the same numbers, and an exact count of instructions."""

import numpy as np
import pytest
from mcu_nets import dilated, fixed_only, float_only, shared_state, summed, wavenet
from mcu_tools import assert_close, assert_same, run_build, write

from compiler import options
from compiler.boards import BOARDS
from compiler.errors import CheckError, CompileError
from compiler.ir import interpreter
from compiler.mcu import runner
from compiler.mcu.scheduler import make_schedule
from compiler.mcu.target import MCU


@pytest.mark.parametrize("kernels", ["cmsis", "c"])
@pytest.mark.parametrize(("fixed", "wide"), [(False, False), (True, False), (True, True)])
def test_the_waveshaper(tmp_path, fixed, wide, kernels):
    net, graph = wavenet(fixed=fixed, wide=wide)
    folder, x = write(tmp_path, graph, kernels=kernels), net.stream(2000)
    run = run_build(folder, "net", x, on="emulator")
    assert_same(run.y, interpreter.run(graph, x), fixed)
    assert_same(run.y, run_build(folder, "net", x, on="host").y, fixed)
    again = run_build(folder, "net", x, on="emulator")
    assert again.instructions_per_sample == run.instructions_per_sample
    np.testing.assert_array_equal(again.y, run.y)
    for blocks in (1, 3):
        np.testing.assert_array_equal(run_build(folder, "net", x, on="emulator", blocks=blocks).y, run.y)
    # What was measured, with room for another compiler.
    most = {(False, "cmsis"): 2300, (False, "c"): 1250, (True, "cmsis"): 1050, (True, "c"): 1050}
    assert graph.macs / 2 < run.instructions_per_sample < (most[fixed, kernels] if not wide else 3500)
    assert 64 < run.stack_bytes < 600


@pytest.mark.parametrize(
    ("net", "graph"),
    [dilated(3, fixed=False), dilated(5, fixed=True), shared_state(fixed=True), float_only(), fixed_only(), summed()],
)
def test_every_layer(tmp_path, net, graph):
    folder, x = write(tmp_path, graph, kernels="cmsis"), net.stream(100)
    if graph.inputs[0].format:
        x = np.clip(x, graph.inputs[0].format.lo, graph.inputs[0].format.hi)
    run = run_build(folder, "net", x, on="emulator", trace=True)
    assert run.instructions_per_sample is None
    expected = interpreter.evaluate(graph, [x])
    for name, value in run.traced.items():
        assert_same(value, expected[name], net.fixed, name)


def test_the_count_is_exact(tmp_path):
    """Ten more instructions a sample are ten more instructions a sample."""
    net, graph = wavenet()
    folder, x = write(tmp_path, graph), net.stream(500)
    path = folder / "net.c"
    text = path.read_text()
    counts = []
    for nops in (0, 10, 11):
        asm = f'        __asm__ volatile(".rept {nops}\\n nop\\n .endr");\n    }}\n}}\n'
        path.write_text(text.rpartition("    }\n}\n")[0] + asm)
        counts.append(run_build(folder, "net", x, on="emulator").instructions_per_sample)
    assert counts[1] - counts[0] == pytest.approx(10, abs=0.02)
    assert counts[2] - counts[0] == pytest.approx(11, abs=0.02)


def test_crashes_and_endless_loops_are_said(tmp_path, monkeypatch):
    net, graph = wavenet()
    folder, x = write(tmp_path, graph), net.stream(5)
    path = folder / "net.c"
    text = path.read_text()
    head, _, tail = text.rpartition("    }\n}\n")
    path.write_text(head + "        *(volatile float *)0xDEAD0000u = 1.0f;\n    }\n}\n" + tail)
    with pytest.raises(CheckError, match="fault: CFSR"):
        run_build(folder, "net", x, on="emulator")
    path.write_text(head + '        for (;;) { __asm__ volatile(""); }\n    }\n}\n' + tail)
    monkeypatch.setattr(runner, "TIMEOUT_S", 1)
    with pytest.raises(CheckError, match="longer than 1 s"):
        run_build(folder, "net", x, on="emulator")


def test_image_size(tmp_path):
    _, graph = wavenet()
    flash, ram = runner.image_size(write(tmp_path, graph), "net")
    assert make_schedule(graph).weights_bytes < flash < 12000
    assert make_schedule(graph).state_bytes < ram < make_schedule(graph).state_bytes + 64
    again = runner.image_size(tmp_path, "net")
    assert again == (flash, ram)


def test_relu_and_clamps_are_those_of_the_host(tmp_path):
    """The machine's own maximum and saturation, where values reach the ends."""
    _, graph = wavenet(fixed=True)
    x = np.tile(np.array([[-32768], [32767], [0], [-1]], np.int16), (30, 3))
    y = run_build(write(tmp_path, graph), "net", x, on="emulator").y
    np.testing.assert_array_equal(y, interpreter.run(graph, x))
    _, graph = wavenet()
    x = np.repeat(np.float32([[0], [-0.0], [1e30], [-1e30], [1e-40]]), 3, 1)
    folder = write(tmp_path / "float", graph)
    assert_close(run_build(folder, "net", x, on="emulator").y, run_build(folder, "net", x, on="host").y)


@pytest.mark.parametrize("fixed", [False, True])
def test_every_board_computes_what_the_first_does(tmp_path, fixed):
    """One row of data each: the program, its size and its instructions, on every one."""
    net, graph = wavenet(fixed=fixed)
    folder, x = write(tmp_path, graph), net.stream(300)
    boards = {name: board for name, board in BOARDS.items() if not board.memories}  # others are emulated by these
    runs = {name: run_build(folder, "net", x, on="emulator", board=board) for name, board in boards.items()}
    first = next(iter(runs.values()))
    for name, run in runs.items():
        np.testing.assert_array_equal(run.y, first.y, name)
        assert 500 < run.instructions_per_sample < 3000 and run.stack_bytes < 512
        assert runner.image_size(folder, "net", BOARDS[name])[0] > make_schedule(graph).weights_bytes


def test_a_build_is_tried_on_the_board_that_it_was_asked_for():
    assert options.OF_TARGET["mcu"]["board"] == next(iter(BOARDS))
    for name, board in BOARDS.items():
        target = MCU.configured(options.Options(target="mcu", board=name).to_json())
        assert target.board is board and board.what in target.variants(None, 0)[-1].what
    assert MCU.configured({"kernels": "c"}).board is BOARDS["cortex-m7"]
    for forged in ("toaster", ["cortex-m7"], 4):
        with pytest.raises(CompileError, match="cortex-m7, cortex-m4"):
            MCU.configured({"board": forged})
    with pytest.raises(CompileError, match="--board does nothing with --target fpga"):
        options.Options(target="fpga", board="cortex-m4")
