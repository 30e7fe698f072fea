"""Every operation in streams and frames, alone and strung together at random: numpy on the memory that was laid
out, and C under sanitizers, against the interpreter."""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from mcu_random import random_graph
from mcu_sketch import (
    Sketch,
    convolutions,
    delayed,
    delays,
    evaluate,
    every_function,
    every_operation,
    gated,
    long_short,
    scans,
    windows,
)
from mcu_tools import STRICT, assert_close, compile_c, generate, run_build, write

from compiler.boards import CORTEX_M7
from compiler.errors import CompileError
from compiler.ir.ops import Dot
from compiler.mcu.interpreter import execute
from compiler.mcu.scheduler import make_schedule
from compiler.mcu.steps import Binary, Copy, Move

NETS = {
    "functions": lambda: every_function("stream"),
    "operations in streams": lambda: every_operation("stream"),
    "operations in frames": lambda: every_operation("frame"),
    "convolutions": convolutions,
    "gated": lambda: gated(3, 5, initial=True),
    "long short": lambda: long_short(3, 5),
    "delays": delays,
    "windows": windows,
    "scans": scans,
}
every_net = pytest.mark.parametrize("make", NETS.values(), ids=NETS)


def in_numpy(net, graph, steps=7):
    xs = net.feeds(steps)
    expected = evaluate(graph, xs)
    for name, value in execute(make_schedule(graph), *xs).items():
        name = graph.outputs[name].name if isinstance(name, int) else name
        assert_close(value, expected[name], name)


def in_c(folder, net, graph, steps=7, **options):
    xs = net.feeds(steps)
    expected = evaluate(graph, xs)
    run = run_build(folder, "net", xs, trace=True, **{"on": "host", "sanitize": True, "blocks": (3, 1)} | options)
    for name, value in run.traced.items():
        assert_close(value, expected[name], name)
    for value, y in zip(graph.outputs, run.outputs, strict=True):
        assert_close(y, expected[value.name], value.name)
    return run


@every_net
def test_schedules(make):
    in_numpy(*make())


@every_net
def test_c(tmp_path, make):
    net, graph = make()
    quick = {"sanitize": False, "compact": True} if make is NETS["operations in streams"] else {}
    run = in_c(write(tmp_path, graph), net, graph, **quick)  # those in frames have the sanitizers look
    fused = {op.inputs[0].name for op in graph.ops if type(op).__name__ == "Unary"}
    assert {op.output.name for op in graph.ops} - set(run.traced) <= fused


@pytest.mark.parametrize("make", [convolutions, scans], ids=["convolutions", "scans"])
def test_c_on_cmsis(tmp_path, make):
    net, graph = make()
    in_c(write(tmp_path, graph, kernels="cmsis"), net, graph, sanitize=False, compact=True)


@every_net
def test_no_warning(tmp_path, make):
    write(tmp_path, make()[1])
    flags = [*STRICT, "-O1", "-DNN_COMPACT", "-c", "net.c"]
    compile_c(*flags, cwd=tmp_path)
    compile_c(*CORTEX_M7.flags, *flags, compiler=CORTEX_M7.compiler, cwd=tmp_path)


@pytest.mark.parametrize("mode", ["stream", "frame"])
def test_random_schedules(mode):
    for seed in range(60):
        in_numpy(*random_graph(mode, seed), steps=5)


@pytest.mark.parametrize("mode", ["stream", "frame"])
@pytest.mark.parametrize("seed", range(10))
def test_random_c(tmp_path, mode, seed):
    net, graph = random_graph(mode, seed)
    in_c(write(tmp_path, graph), net, graph)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["stream", "frame"])
@pytest.mark.parametrize("seed", range(1000, 1150))
def test_many_random_c(tmp_path, mode, seed):
    net, graph = random_graph(mode, seed, most=24)
    in_c(write(tmp_path, graph), net, graph)


@pytest.mark.parametrize("mode", ["stream", "frame"])
def test_compact_code_and_any_cut_give_the_same_bits(tmp_path, mode):
    net, graph = random_graph(mode, 3)
    folder, xs = write(tmp_path, graph), net.feeds(20)
    whole = run_build(folder, "net", xs, on="host", blocks=20).outputs
    for options in ({"blocks": 20, "compact": True}, {"blocks": (1, 0, 3)}):
        for y, expected in zip(run_build(folder, "net", xs, on="host", **options).outputs, whole, strict=True):
            np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("make", [gated, long_short], ids=["gated", "long short"])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_is_its_body_streaming(tmp_path, make, reverse):
    """To the last bit: the same kernels, from reset, forwards or backwards."""
    _, body = make(4, 3)
    net = Sketch("frame", (9, 4))
    every, last = (net.scan(net.inputs[0], body, reverse, sequences) for sequences in (True, False))
    (x,) = net.feeds(3)
    frames = run_build(write(tmp_path / "frame", net.graph(every, last)), "net", [x], on="host", compact=True)
    streaming = write(tmp_path / "stream", body)
    for n, frame in enumerate(x):
        y = run_build(streaming, "net", frame[::-1].copy() if reverse else frame, on="host", compact=True).y
        np.testing.assert_array_equal(frames.outputs[0][n], y[::-1] if reverse else y)
        np.testing.assert_array_equal(frames.outputs[1][n], y[-1])


def test_output_over_input():
    """A delay: what comes in is kept, then the past goes out over it, then what was kept becomes the past."""
    net, graph = delayed()
    (x,) = net.feeds(5)
    schedule = make_schedule(graph)
    np.testing.assert_array_equal(execute(schedule, x, aliased=True)[0], np.concatenate([np.zeros((1, 3)), x[:-1]]))
    assert [type(step).__name__ for step in schedule.steps] == ["Copy", "Copy", "Push"]
    net = Sketch("frame", (4, 3))
    (x,) = net.inputs
    flipped = net.graph(net.slice(x, 0, 3, 4, -1))
    (x,) = net.feeds(2)
    np.testing.assert_array_equal(execute(make_schedule(flipped), x, aliased=True)[0], x[:, ::-1])


def test_what_only_looks_differently_costs_nothing():
    net = Sketch("frame", (4, 6))
    (x,) = net.inputs
    y = net.slice(net.reshape(net.transpose(net.reshape(x, 1, 24), 1, 0), 2, 12), 0, 1, 1)
    steps = make_schedule(net.graph(y)).steps
    assert [type(step) for step in steps] == [Copy]  # the output alone
    assert steps[0].source.offset == 12


def test_a_sum_is_written_over_an_operand_that_nobody_needs():
    net = Sketch("frame", (6,))
    (x,) = net.inputs
    a, b = net.unary(x, "tanh"), net.unary(x, "sin")
    y = net.unary(net.reshape(net.binary("add", a, b), 3, 2), "exp")
    schedule = make_schedule(net.graph(net.reduce("max", y, (0,))))
    assert schedule.scratch["float"] == 12


def test_a_sum_is_not_written_over_what_it_reads_again(tmp_path):
    """The other operand is a part of the same memory, and the first number of the sum would change it."""
    net = Sketch("frame", (6,))
    a = net.unary(net.inputs[0], "tanh")
    y = net.binary("add", net.slice(a, 0, 0, 1), a)
    graph = net.graph(net.reduce("max", y, (0,)), net.unary(y, "exp"))
    combine = next(step for step in make_schedule(graph).steps if isinstance(step, Binary))
    target, whole = (range(p.offset, p.offset + p.size) for p in (combine.target, combine.sources[1]))
    assert not set(target) & set(whole)
    in_c(write(tmp_path, graph), net, graph, sanitize=False, compact=True)


def test_a_value_that_nobody_reads_is_not_written_over_before_it_was_seen():
    """It lies in the memory of another, whose last step comes first."""
    net = Sketch("frame", (6,))
    a = net.unary(net.inputs[0], "tanh")
    y = net.unary(a, "exp")
    net.reshape(a, 2, 3)
    in_numpy(net, net.graph(net.reduce("max", y, (0,))))


def test_wrong_walks_show():
    net, graph = every_operation("frame")
    schedule, xs = make_schedule(graph), net.feeds()
    first = next(n for n, step in enumerate(schedule.steps) if isinstance(step, Move) and step.walk.rank > 1)
    step, steps = schedule.steps[first], list(schedule.steps)
    steps[first] = replace(step, walk=replace(step.walk, counts=(*step.walk.counts[:-1], step.walk.counts[-1] - 1)))
    broken = execute(replace(schedule, steps=tuple(steps)), *xs)
    right = execute(schedule, *xs)
    assert next(name for name in right if not np.array_equal(right[name], broken[name])) == step.name


def test_large_frames_lie_in_the_state(tmp_path):
    net = Sketch("frame", (64, 16))
    y = net.unary(net.convolution(net.inputs[0], 32, (3,), padding=((2, 0),)), "relu")
    y = net.convolution(y, 8, (3,), padding=((2, 0),))
    graph = net.graph(y)
    schedule = make_schedule(graph)
    assert make_schedule(graph).state_bytes == 0
    assert make_schedule(graph).scratch_bytes == 4 * (64 * 32 + 3 * 32) == schedule.struct_bytes
    folder, xs = write(tmp_path, graph), net.feeds(3)
    assert f"STATE_BYTES {schedule.struct_bytes}\n" in (folder / "net.h").read_text()
    run = run_build(folder, "net", xs, on="emulator")
    assert_close(run.y, evaluate(graph, xs)[y.name])
    assert run.stack_bytes < 512
    assert graph.macs < run.instructions_per_sample < 5 * graph.macs


@pytest.mark.parametrize("name", ["operations in frames", "convolutions", "long short", "windows", "scans"])
def test_on_the_emulator(tmp_path, name):
    net, graph = NETS[name]()
    in_c(write(tmp_path, graph), net, graph, on="emulator", sanitize=False, compact=True)


def test_the_interface_of_several(tmp_path):
    net, graph = every_operation("stream")
    text = (write(tmp_path, graph) / "net.h").read_text()
    assert (
        "void net_process(net_t *s, const float *in0, const float *in1, float *out0, float *out1, float *out2, " in text
    )
    defines = dict(re.findall(r"^#define NET_(\w+) (\d+)", text, re.MULTILINE))
    wanted = {"INPUTS_0": "12", "INPUTS_1": "4", "OUTPUTS_0": "6", "OUTPUTS_1": "12", "OUTPUTS_2": "12"}
    assert wanted.items() <= defines.items() and "INPUTS" not in defines
    with pytest.raises(ValueError, match="wants"):
        run_build(tmp_path, "net", net.feeds()[:1], on="host")
    with pytest.raises(ValueError, match="wants"):
        run_build(tmp_path, "net", [net.feeds(3)[0], net.feeds(4)[1]], on="host")


def test_warm_up_and_an_endless_field_are_said():
    _, graph = gated(3, 2)
    text = generate(replace(graph, warm_ups=(5,)), name="net", kernels="c")["net.h"].decode()
    assert "depends on all samples of input before it. */\n#define NET_RECEPTIVE_FIELD 0\n" in text
    assert "#define NET_WARM_UP 5\n" in text


def test_two_scans_of_the_same_names(tmp_path):
    """Bodies have names of their own, which may be those of the graph around them, or begin like its type."""
    net = Sketch("frame", (5, 4))
    _, body = gated(4, 3)
    first, second = net.scan(net.inputs[0], body), net.scan(net.inputs[0], body, True)
    y = net.matmul(net.concatenate([first, second], 1), 2)
    renamed = {first.name: "in", y.name: "in_matmul_2"}
    ops = tuple(
        replace(op, output=replace(op.output, name=renamed.get(op.output.name, op.output.name))) for op in net.ops
    )
    last = replace(ops[2], inputs=(ops[0].output, ops[1].output))
    graph = replace(net.graph(ops[-1].output), ops=(ops[0], ops[1], last, *ops[3:]))
    in_c(write(tmp_path, graph), net, graph)


def test_refusals():
    net = Sketch("frame", (5, 5, 5, 2))
    with pytest.raises(CompileError, match=r"layer_pool_0.*3 axes of space"):
        make_schedule(net.graph(net.pool("max", net.inputs[0], (2,) * 3, (1,) * 3, ((0, 0),) * 3)))
    net = Sketch("frame", (5, 2))
    net.inputs[0] = replace(net.inputs[0], shape=(None, 2))
    with pytest.raises(CompileError, match=r"input_0.*None"):
        make_schedule(net.graph(net.unary(net.inputs[0], "tanh")))
    net = Sketch("frame", (5, 2))
    y = net.constant(2)
    net.ops[0].value[0] = np.nan
    with pytest.raises(CompileError, match=r"layer_constant_0.*not finite"):
        make_schedule(net.graph(net.binary("add", net.inputs[0], y)))
    net = Sketch("frame", (1, 5, 2), (3, 4, 2))
    with pytest.raises(CompileError, match=r"layer_dot_0.*unlike"):
        make_schedule(net.graph(net.add(Dot, net.inputs, (3, 5, 4))))


def test_a_program_may_call_it_with_plain_c(tmp_path):
    """A recurrent build next to a frame build with scans, in one program."""
    write(tmp_path, gated(3, 2)[1], name="first")
    write(tmp_path, scans()[1], name="second")
    (tmp_path / "main.c").write_text(
        """
#include "first.h"
#include "second.h"
static first_t a;
static second_t b;
static float x[SECOND_INPUTS], y[SECOND_OUTPUTS], z[FIRST_OUTPUTS];
int main(void)
{
    first_init(&a);
    second_init(&b);
    first_process(&a, x, z, 1);
    second_process(&b, x, y, 1);
    return first_reset_to_silence(&a);
}
"""
    )
    compile_c("-std=c99", "-O1", "-DNN_COMPACT", "first.c", "second.c", "main.c", "-o", "main", "-lm", cwd=tmp_path)
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0
