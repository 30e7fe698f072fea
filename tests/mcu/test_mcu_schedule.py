"""A schedule, run in numpy on the memory it laid out, computes what its graph says."""

import re
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from mcu_nets import EVERY, Net, dilated, wavenet
from mcu_sketch import every_operation, scans
from mcu_tools import assert_same, generate

from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format
from compiler.ir.values import State, Value
from compiler.mcu.interpreter import execute
from compiler.mcu.packing import pack, tiles
from compiler.mcu.scheduler import make_schedule
from compiler.mcu.steps import MatMul, Window


def check(net, graph, samples=70):
    schedule, x = make_schedule(graph), net.stream(samples)
    if graph.inputs[0].format:
        x = np.clip(x, graph.inputs[0].format.lo, graph.inputs[0].format.hi)
    expected = interpreter.evaluate(graph, [x])
    for name, value in execute(schedule, x).items():
        assert_same(value, expected[graph.outputs[name].name if isinstance(name, int) else name], net.fixed, name)
    return schedule, x


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
def test_every_dilation(taps, fixed):
    check(*dilated(taps, fixed=fixed))


@pytest.mark.parametrize(("make", "fixed"), EVERY)
def test_shapes_of_graphs(make, fixed):
    net, graph = make(fixed=fixed)
    schedule, x = check(net, graph)
    given, result = schedule.inputs[0].place, schedule.outputs[0].place
    if given.size == result.size and given.ctype == result.ctype:
        expected = execute(schedule, x)[0]
        np.testing.assert_array_equal(execute(schedule, x, aliased=True)[0], expected)


def test_activations_and_requantisations_ride_along():
    for fixed in (False, True):
        _, graph = wavenet(fixed=fixed)
        kinds = [type(step).__name__ for step in make_schedule(graph).steps]
        assert set(kinds) == {"MatMul", "Window", "Push"}
        assert kinds.count("MatMul") == 9


def test_memory_is_shared_and_state_is_the_past_alone():
    _, graph = wavenet()
    schedule = make_schedule(graph)
    assert schedule.scratch["float"] <= 24 < sum(step.target.size for step in schedule.steps if hasattr(step, "target"))
    past = 3 * (1 * 3 + 4 * 4 + 16 * 4 + 64 * 4)
    assert make_schedule(graph).state_bytes == 4 * past + 4 * 4
    assert make_schedule(graph).weights_bytes == 4 * 465
    assert graph.receptive_field == 1 + 3 * 85


def test_one_state_for_windows_that_share_it():
    from mcu_nets import shared_state

    schedule = make_schedule(shared_state(fixed=False)[1])
    assert len(schedule.rings) == 1
    gathers = [index for index, step in enumerate(schedule.steps) if isinstance(step, Window)]
    pushes = [index for index, step in enumerate(schedule.steps) if type(step).__name__ == "Push"]
    assert len(gathers) == 4 and len(pushes) == 1 and pushes[0] > max(gathers)


def test_a_wrong_schedule_is_noticed():
    """The executor is no mirror: swapped taps change what comes out."""
    net, graph = wavenet()
    schedule, x = make_schedule(graph), net.stream(50)
    first = next(index for index, step in enumerate(schedule.steps) if isinstance(step, MatMul))
    step = schedule.steps[first]
    steps = list(schedule.steps)
    steps[first] = replace(step, weights=step.weights[::-1])
    assert np.abs(execute(replace(schedule, steps=tuple(steps)), x)[0] - interpreter.run(graph, x)).max() > 1e-3


def test_packing_is_a_permutation_in_reading_order():
    weights = np.arange(15).reshape(3, 5)
    assert list(tiles(5, 4)) == [(0, 3), (3, 5)]
    assert pack(weights, "float", "cmsis").tolist() == weights.T.ravel().tolist()
    assert pack(weights, "float", "c").tolist() == weights.ravel().tolist()
    # Outputs 0 to 2: the pair of inputs 0 and 1, then the odd input 2; then outputs 3 and 4.
    assert pack(weights, "int64_t", "c", "int8_t").tolist() == weights.T.ravel().tolist()
    assert pack(weights, "int32_t", "cmsis").tolist() == [0, 5, 1, 6, 2, 7, 10, 11, 12, 3, 8, 4, 9, 13, 14]


def graph_of(net, value):
    return make_schedule(net.graph(value))


def test_refusals_name_the_layer():
    net = Net(fixed=True)
    y = net.matmul(net.input, 2)
    with pytest.raises(CompileError, match=r"layer_window_1.*more than 16 bits"):
        graph_of(net, net.window(y, 2, 1))
    with pytest.raises(CompileError, match=r"layer_unary_0.*fixed-point"):
        graph_of(*unary_in_fixed())
    net = Net(fixed=True, wide=True)
    with pytest.raises(CompileError, match=r"layer_matmul_0.*more than 32"):
        graph_of(net, net.matmul(net.input, 2))
    net = Net()
    net.matmul(net.input, 2)
    net.ops[0].weights[0, 0] = np.inf
    with pytest.raises(CompileError, match=r"layer_matmul_0.*weights"):
        graph_of(net, net.ops[0].output)
    net = Net()
    y = net.window(net.input, 3, 4)
    net.states["x_past"] = State("x_past", net.input, 5, np.zeros(3))
    with pytest.raises(CompileError, match=r"looks further back than is kept"):
        graph_of(net, y)


def unary_in_fixed():
    net = Net(fixed=True)
    value = net.unary(net.input, "tanh")
    net.ops[0] = replace(net.ops[0], output=replace(value, format=net.input.format))
    return net, net.ops[0].output


def test_in_fixed_point_inputs_have_16_bits_at_most():
    with pytest.raises(CompileError, match="more than 16"):
        make_schedule(Graph("g", "stream", *2 * ((Value("x", (1,), "input", Format(True, 20, 4)),),), ()))


@pytest.mark.parametrize("name", ["size", "int16", "nn_fixed", "nn_cmsis_begin", "a-b", "1a", ""])
def test_names_that_cannot_be_used(name):
    _, graph = wavenet()
    with pytest.raises(CompileError, match=re.escape(f"'{name}'")):
        generate(graph, name=name, kernels="c")


def test_generating_is_quick_and_imports_nothing_heavy():
    _, graph = wavenet()
    started = time.process_time()
    generate(graph, name="net", kernels="c")
    assert time.process_time() - started < 0.08
    heavy = {"keras", "tensorflow"}
    code = f"import compiler.mcu.target, sys; print(sorted({heavy} & {{*sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_million_weights_take_little_time_and_memory():
    net = Net(500)
    value = net.input
    for _ in range(5):
        value = net.unary(net.matmul(value, 500), "relu")
    graph, weights = net.graph(value), 5 * 4 * 501 * 500
    started = time.process_time()
    generate(graph, name="net", kernels="c")
    assert time.process_time() - started < 0.9
    tracemalloc.start()
    try:
        generate(graph, name="net", kernels="c")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * weights  # the text alone is 4 times as large


def test_a_compile_schedules_a_graph_once(monkeypatch):
    """Whatever is asked of the target: its opinion, its code and figures; what is not remembered is the rest alone."""
    from compiler.mcu import scheduling
    from compiler.mcu.target import MCU
    from compiler.options import Options

    _, graph = wavenet()
    runs = []
    monkeypatch.setattr(scheduling.Scheduler, "run", counted(scheduling.Scheduler.run, runs))
    options = Options(target="mcu")
    MCU.check(graph, options)
    files, figures = MCU.generate(graph, options, [])
    assert files and figures["weights_bytes"] == 4 * 465
    assert [made.graph is graph for made in runs] == [True, False]


def counted(function, calls):
    def call(self):
        calls.append(self)
        return function(self)

    return call


def test_steps_and_operations_have_one_vocabulary():
    """A step has the name of the operation that it does, or one that no operation has."""
    from compiler.ir import graph as graphs
    from compiler.ir import ops
    from compiler.ir.operation import Op
    from compiler.mcu import schedule, steps

    kinds = {kind.__name__ for kind in vars(ops).values() if isinstance(kind, type) and issubclass(kind, Op)}
    kinds.add(graphs.Scan.__name__)
    found = {kind.__name__ for kind in (*vars(steps).values(), schedule.Scan) if isinstance(kind, type)}
    made = {name for name in found if issubclass(getattr(steps, name, schedule.Scan), steps.Step)}
    assert made - kinds == {"Step", "Compute", "Elementwise", "Pointwise", "Walked", "Push", "Copy", "Fill", "Move"}
    for graph in (every_operation("frame")[1], scans()[1], wavenet()[1], wavenet(fixed=True)[1]):
        by_name = {op.output.name: type(op).__name__ for op in graph.ops}
        for step in make_schedule(graph).steps:
            kind = type(step).__name__
            assert kind not in kinds or kind == by_name[step.name] or by_name[step.name] in ("Unary", "Requantize")
