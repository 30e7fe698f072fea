"""Streams that begin at rest: as after the same sample for ever, without running through it."""

import ctypes
import re

import numpy as np
import pytest
from mcu_nets import dilated, wavenet
from mcu_random import random_graph
from mcu_sketch import Sketch, gated, long_short, windows
from mcu_tools import compile_c, pointer, write

from compiler import keras_file, passes
from compiler.ir import interpreter
from compiler.lowering import lower
from compiler.mcu.interpreter import rings_at_rest
from compiler.mcu.scheduler import make_schedule


class Device:
    """A build as a library, with one state; `fused` as on a machine that rounds a product and a sum at once."""

    def __init__(self, folder, graph, name="net", kernels="c", fused=False):
        write(folder, graph, name=name, kernels=kernels)
        library = folder / f"{name}.so"
        flags = ("-std=c99", "-O1", "-DNN_COMPACT", "-ffp-contract=off", "-shared", "-fPIC", f"-I{folder}")
        flags = (*flags, "-D__FP_FAST_FMAF") if fused else flags
        compile_c(*flags, *sorted(folder.glob("*.c")), "-o", library, "-lm")
        self.library, self.graph, self.name = ctypes.CDLL(str(library)), graph, name
        self.schedule = make_schedule(graph)
        self.state = np.zeros(self.schedule.struct_bytes, np.uint8)
        self.call("init")

    def call(self, function, *arrays):
        return getattr(self.library, f"{self.name}_{function}")(pointer(self.state), *map(pointer, arrays))

    def process(self, *xs):
        dtype = np.int16 if self.schedule.fixed else np.float32
        ys = [np.zeros((len(xs[0]), *port.shape), dtype) for port in self.schedule.outputs]
        process = getattr(self.library, f"{self.name}_process")
        process(pointer(self.state), *map(pointer, (*xs, *ys)), ctypes.c_size_t(len(xs[0])))
        return ys

    def held(self, *sample, times):
        """What comes out of the last of many equal samples, from reset."""
        self.call("reset")
        return [y[-1] for y in self.process(*(np.repeat(x[None], times, 0) for x in sample))]


def check_rest(device, sample, times):
    """Equal to the last bit to what standing still leads to, from the first sample on, in a jump from it too."""
    settled = device.held(*sample, times=times)
    follow = [np.concatenate([x[None], -x[None], x[None] * 0]) for x in sample]
    after = device.process(*follow)
    assert device.call("reset_to_rest", *sample) == 0
    for y, expected in zip(device.process(*follow), after, strict=True):
        np.testing.assert_array_equal(y, expected)
    device.call("reset_to_rest", *sample)
    for y, expected in zip(device.process(*(x[None] for x in sample)), settled, strict=True):
        np.testing.assert_array_equal(y[0], expected)


def check_silence(device, times):
    zeros = [np.zeros(value.shape, np.int16 if value.format else np.float32) for value in device.graph.inputs]
    settled = device.held(*zeros, times=times)
    assert device.call("reset_to_silence") == 0
    for y, expected in zip(device.process(*(np.repeat(x[None], 20, 0) for x in zeros)), settled, strict=True):
        assert np.abs(y - expected).max(initial=0) <= 1e-6 * max(1, np.abs(expected).max(initial=0))


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("make", [wavenet, lambda fixed: dilated(3, fixed=fixed)], ids=["wavenet", "dilated"])
def test_a_network_of_convolutions(tmp_path, make, fixed):
    net, graph = make(fixed=fixed)
    device = Device(tmp_path, graph)
    sample = net.stream(1)[0] // (2 if fixed else 1)
    check_rest(device, [sample], graph.receptive_field)
    check_silence(device, graph.receptive_field)
    assert device.process(net.stream(9))[0].any()
    rings = rings_at_rest(device.schedule, np.zeros_like(sample))
    for ring in device.schedule.rings:
        for silence in ring.silence:
            np.testing.assert_allclose(silence, rings[ring.name], atol=0 if fixed else 1e-6)


@pytest.mark.parametrize("channels", [3, 8])
def test_the_networks_of_guitar_players(tmp_path, channels):
    """23 layers and a receptive field of 6,347 samples, none of which is run through."""
    from models import randomize
    from nam import a2

    lowered = lower(keras_file.from_model(randomize(a2(channels), channels)), "net")
    graph = passes.run(lowered, passes.prepare() + passes.simplify("stream") + passes.finish_float())
    device = Device(tmp_path, graph)
    for level in (0.3, 0.0):
        check_rest(device, [np.float32([level])], times=graph.receptive_field)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("kernels", ["c", "cmsis"])
@pytest.mark.parametrize("channels", [3, 8])
def test_their_silence_is_silent_from_the_first_sample_on(tmp_path, channels, kernels, fused):
    """Where the last places of the first layers are amplified by twenty more."""
    from models import randomize
    from nam import a2

    lowered = lower(keras_file.from_model(randomize(a2(channels), channels)), "net")
    graph = passes.run(lowered, passes.prepare() + passes.simplify("stream") + passes.finish_float())
    device = Device(tmp_path, graph, kernels=kernels, fused=fused)
    (settled,) = device.held(np.zeros(1, np.float32), times=graph.receptive_field)
    assert device.call("reset_to_silence") == 0
    (y,) = device.process(np.zeros((graph.receptive_field + 100, 1), np.float32))
    assert np.abs(y - settled).max() <= 1e-7  # a tenth of what is asked for


def test_windows_of_any_rank(tmp_path):
    net, graph = windows()
    device = Device(tmp_path, graph)
    check_rest(device, [net.feeds(1)[0][0]], graph.receptive_field)
    check_silence(device, graph.receptive_field)


def streaming(count, start=0):
    """Seeds of random stream graphs without recurrence."""
    found, seed = [], start
    while len(found) < count:
        _, graph = random_graph("stream", seed)
        if not graph.recurrent and graph.states:
            found.append(seed)
        seed += 1
    return found


@pytest.mark.parametrize("seed", streaming(12))
def test_random_graphs(tmp_path, seed):
    net, graph = random_graph("stream", seed)
    device = Device(tmp_path, graph)
    check_rest(device, [x[0] for x in net.feeds(1)], graph.receptive_field)
    check_silence(device, graph.receptive_field)


@pytest.mark.slow
@pytest.mark.parametrize("seed", streaming(200, 500))
def test_many_random_graphs(tmp_path, seed):
    net, graph = random_graph("stream", seed)
    device = Device(tmp_path, graph)
    check_rest(device, [x[0] for x in net.feeds(1)], graph.receptive_field)
    check_silence(device, graph.receptive_field)


@pytest.mark.parametrize("make", [gated, long_short], ids=["gated", "long short"])
def test_recurrence_is_iterated(tmp_path, make):
    """Behind a window, too: what stands before and behind the recurrence settles with it."""
    net, body = make(3, 4)
    y = net.matmul(net.window(body.outputs[0], 3, 5), 2, axes=2)
    graph = net.graph(y)
    device = Device(tmp_path, graph)
    for sample in net.feeds(3)[0]:
        (settled,) = device.held(sample, times=3000)
        assert device.call("reset_to_rest", sample) == 0
        (y,) = device.process(np.repeat(sample[None], 50, 0))
        assert np.abs(y - settled).max() < 2e-5
    (settled,) = device.held(np.zeros(3, np.float32), times=3000)
    assert device.call("reset_to_silence") == 0
    (y,) = device.process(np.zeros((5, 3), np.float32))
    assert np.abs(y - settled).max() < 2e-5


def test_what_never_rests_is_reset(tmp_path):
    """A sum that grows for ever, a sign that flips for ever, a NaN."""
    net = Sketch("stream", (2,))
    before = net.unit_delay(2)
    total = net.binary("add", net.inputs[0], net.unary(before, "negative"))
    net.feed(before, total, np.float32([0.5, 0.25]))
    device = Device(tmp_path, net.graph(total))
    fresh = device.state.copy()
    for sample in ([1, 2], [np.nan, 0]):
        device.process(np.ones((3, 2), np.float32))
        assert device.call("reset_to_rest", np.float32(sample)) != 0
        np.testing.assert_array_equal(device.state, fresh)


def test_frames_do_not_rest(tmp_path):
    _, graph = random_graph("frame", 0)
    assert "rest" not in (write(tmp_path, graph) / "net.h").read_text()


def test_the_constants_of_silence(tmp_path):
    """What the interpreter comes to at the end of the receptive field, in the weights' file, for either machine."""
    _, graph = wavenet()
    text = (write(tmp_path, graph) / "net_weights.h").read_text()
    tables = re.findall(r"net_(\w+)_silence\[\d+\] = \{\n([^}]*)\}", text)
    values = interpreter.evaluate(graph, [np.zeros((graph.receptive_field, 3))])
    assert {state for state, _ in tables} == {state.name for state in graph.states[1:]}  # the input's is all zeros
    for state, numbers in tables:
        wanted = values[graph.state(state).value.name][-1]
        assert wanted.any()
        np.testing.assert_allclose([float(n.strip("f\n ")) for n in numbers.split(",")[:-1]], wanted, atol=1e-6)
