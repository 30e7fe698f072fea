"""Products in assembly: the bits of plain C, on the Cortex-M7 and by their twins elsewhere; as many instructions as
are counted beforehand."""

import re

import numpy as np
import pytest
from mcu_nets import wavenet
from mcu_sketch import Sketch
from mcu_tools import assert_close, run_build, write

from compiler.boards import CORTEX_M4
from compiler.ir import interpreter
from compiler.mcu import assembly
from compiler.mcu.assembly import Product
from compiler.mcu.scheduler import make_schedule

# One tile, several, of two sizes; in straight code, in a loop over inputs, over tiles, with and without a rest.
SIZES = [(5, 17, 33, 3), (70, 8, 13, 40, 7), (1100, 9, 64, 64, 16)]


def chain(sizes):
    """Products of these sizes, every second one with a relu."""
    net = Sketch("stream", (sizes[0],))
    y = net.inputs[0]
    for number, columns in enumerate(sizes[1:]):
        y = net.matmul(y, columns)
        y = net.unary(y, "relu") if number % 2 else y
    return net, net.graph(y)


def images():
    """Convolutions of frames, with tanh behind one."""
    net = Sketch("frame", (6, 5, 3))
    y = net.convolution(net.inputs[0], 9, (2, 2))
    return net, net.graph(net.convolution(net.unary(y, "tanh"), 4, (3, 2)))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_bits_of_plain_c(tmp_path, sizes):
    net, graph = chain(sizes)
    (x,) = net.feeds(5)
    plain, quick = write(tmp_path / "c", graph), write(tmp_path / "s", graph, assembled=True)
    assert len(assembly.products(make_schedule(graph))) == len(sizes) - 1
    on_c, on_s = (run_build(folder, "net", x, on="emulator") for folder in (plain, quick))
    np.testing.assert_array_equal(on_s.y.view(np.uint32), on_c.y.view(np.uint32))
    assert on_s.instructions_per_sample < 0.7 * on_c.instructions_per_sample
    assert_close(on_s.y, interpreter.run(graph, x))
    np.testing.assert_array_equal(
        run_build(quick, "net", x, on="host", sanitize=True).y, run_build(plain, "net", x, on="host").y
    )


def test_elsewhere_the_twin_runs(tmp_path):
    net, graph = wavenet()
    folder, x = write(tmp_path, graph, assembled=True), net.stream(200)
    m7, m4 = run_build(folder, "net", x, on="emulator"), run_build(folder, "net", x, on="emulator", board=CORTEX_M4)
    np.testing.assert_array_equal(m7.y, m4.y)
    assert m7.instructions_per_sample < 850 < m4.instructions_per_sample
    traced = run_build(folder, "net", x, on="emulator", trace=True)
    np.testing.assert_array_equal(traced.y, m7.y)
    assert "project(net C ASM)" in (folder / "CMakeLists.txt").read_text()


def test_convolutions_of_frames(tmp_path):
    net, graph = images()
    (x,) = net.feeds(2)
    made = [run_build(write(tmp_path / str(a), graph, assembled=a), "net", x, on="emulator") for a in (False, True)]
    np.testing.assert_array_equal(made[0].y.view(np.uint32), made[1].y.view(np.uint32))
    assert made[1].instructions_per_sample < made[0].instructions_per_sample


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 1e-40])
def test_numbers_that_are_none(tmp_path, special):
    """A relu in assembly makes 0 of NaN, as it does in C."""
    net, graph = chain((6, 8, 8))
    (x,) = net.feeds(3)
    x[1, 2] = special
    made = [run_build(write(tmp_path / str(a), graph, assembled=a), "net", x, on="emulator").y for a in (False, True)]
    np.testing.assert_array_equal(*made)


def test_instructions_are_known_beforehand(tmp_path):
    """Between two networks of one product each, the difference is that of the two functions, to the instruction."""
    counts = {}
    for sizes in ((40, 8), (40, 24), (300, 24)):
        net, graph = chain(sizes)
        (made,) = assembly.products(make_schedule(graph))
        run = run_build(write(tmp_path / str(sizes), graph, assembled=True), "net", net.feeds(100)[0], on="emulator")
        counts[made] = run.instructions_per_sample
    first, *others = counts
    around = counts[first] - assembly.function(first).executed
    assert 0 < around < 25
    for made in others:
        assert counts[made] - assembly.function(made).executed == pytest.approx(around, abs=2)


def test_what_an_interrupt_may_need_is_left_alone():
    """The stack pointer and the program counter are no data pointers, and what a function must keep is kept."""
    for made in (Product(1, 1, False), Product(64, 64, True), Product(2000, 9, True), Product(12, 4, True)):
        code = "\n".join(assembly.function(made).lines)
        assert set(re.findall(r"v(?:ld|st)mia\s+(\w+)!", code)) <= {"r0", "r1", "r2", "r3"}
        used = {int(n) for n in re.findall(r"\bs(\d+)\b", re.sub(r"vp\w+\s+\{.*\}", "", code))}
        assert max(used) < 32 and (max(used) < 16 or code.count("{s16-s31}") == 2)
        assert ("r4" in code) == (code.count("{r4, ") == 2)
        largest = [int(b) - int(a) + 1 for a, b in re.findall(r"\{s(\d+)-s(\d+)\}", code)]
        assert max(largest, default=1) <= 32


def test_small_products_stay_in_c():
    _, graph = chain((1, 2))
    assert not assembly.products(make_schedule(graph))
