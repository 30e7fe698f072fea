"""Recurrence in fixed point: what its states cannot leave, how many bits they have, and what is refused."""

from dataclasses import replace

import model_files
import numpy as np
import pytest

import compiler
from compiler import passes
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format, dequantize
from compiler.ir.ops import Binary, MatMul, Quantize, UnitDelay
from compiler.ir.values import State, Value
from compiler.ir.verifier import verify
from compiler.passes import FixedOptions
from compiler.passes.ranges import worst_case_ranges

GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}


def layer(kind, channels, units, size=0.6, **config):
    """A recurrent layer with random weights."""
    config = {"units": units, "return_sequences": True, "activation": "tanh", **config}
    bias = (GATES[kind] * units,)
    if kind != "SimpleRNN":
        config = {"recurrent_activation": "sigmoid", **config}
    if kind == "GRU" and config.setdefault("reset_after", True):
        bias = (2, *bias)
    random = np.random.default_rng([units, channels])
    shapes = ((channels, GATES[kind] * units), (units, GATES[kind] * units), bias)
    return model_files.Entry(kind, config, [random.normal(0, size, shape).astype(np.float32) for shape in shapes])


def build(tmp_path, *layers, channels=1, **options):
    tmp_path.mkdir(exist_ok=True)
    path = model_files.write(tmp_path / "net.h5", (None, channels), *layers)
    return compiler.compile(path, "mcu", out=tmp_path / "build", name="net", **{"numbers": "fixed", **options})


def leaky(keep, write, begin=0.0):
    """h = keep * h + write * x, which is the output."""
    x, h, both, y = (Value(name, (n,), "loop") for name, n in (("x", 1), ("h", 1), ("both", 1), ("y", 1)))
    product = {"weights": np.array([[write]]), "bias": np.zeros(1)}
    kept = Value("kept", (1,), "loop")
    ops = (
        UnitDelay(inputs=(), output=h, state="past"),
        MatMul(inputs=(h,), output=kept, weights=np.array([[keep]]), bias=np.zeros(1)),
        MatMul(inputs=(x,), output=both, **product),
        Binary(inputs=(kept, both), output=y, function="add"),
    )
    return Graph("net", "stream", (x,), (y,), ops, (State("past", y, 1, np.array([begin])),))


@pytest.mark.parametrize("keep", [0.5, -0.5, 0.9, -0.97, 0.999])
def test_a_leaky_sum_is_as_large_as_its_series(keep):
    lo, hi = worst_case_ranges(leaky(keep, 0.25), (-1.0, 0.5))["y"]
    # The greatest sum of the input's ends, weighted by powers of what is kept.
    powers = keep ** np.arange(40_000)
    most = 0.25 * np.maximum(powers * -1.0, powers * 0.5).sum()
    least = 0.25 * np.minimum(powers * -1.0, powers * 0.5).sum()
    assert least * 1.05 <= lo <= least and most <= hi <= most * 1.05


def test_a_state_that_begins_outside_counts():
    lo, hi = worst_case_ranges(leaky(0.5, 0.25, begin=7.0), (-1.0, 1.0))["y"]
    assert -0.55 <= lo <= -0.5 and 7 <= hi < 7.5


@pytest.mark.parametrize(("keep", "write"), [(1.0, 0.25), (-1.0, 1e-12), (1.5, 0.25), (1 + 1e-9, 1e-300)])
def test_a_sum_without_end_is_refused_by_name(keep, write):
    """However little comes in, and although floating point sees no more of it beyond some size."""
    with pytest.raises(CompileError, match="layer 'loop': as far as intervals tell, its state may grow without end"):
        worst_case_ranges(leaky(keep, write), (-1.0, 1.0))


def test_large_recurrent_weights_under_a_relu_are_refused(tmp_path):
    with pytest.raises(CompileError, match="layer 'layer_1': as far as intervals tell") as caught:
        build(tmp_path, layer("SimpleRNN", 1, 4, size=2, activation="relu"))
    assert "--numbers float" in caught.value.hint
    assert not (tmp_path / "build").exists()
    # Unless data say what it comes to.
    random = np.random.default_rng(0)
    made = build(
        tmp_path / "seen", layer("SimpleRNN", 1, 4, activation="relu"), calibrate=random.uniform(0, 0.5, (60, 1))
    )
    assert made.graph.states[0].value.format.width == 32
    # A gate that is no share opens beyond either value: it proves nothing.
    with pytest.raises(CompileError, match="layer 'layer_1': as far as intervals tell"):
        build(tmp_path, layer("GRU", 1, 4, size=2, recurrent_activation="relu"))


def test_what_a_gate_mixes_stays_between_both(tmp_path):
    made = build(tmp_path, layer("GRU", 2, 5, size=3.0), channels=2)
    (kept,) = (state.value for state in made.graph.states)
    assert kept.range == (pytest.approx(-1, abs=1e-3), pytest.approx(1, abs=1e-3))
    assert kept.format == Format(True, 32, 31)


@pytest.mark.parametrize("kind", GATES)
def test_no_state_leaves_what_is_proven(tmp_path, kind):
    """Whatever comes in: noise, and inputs that push as far as one step can."""
    made = build(tmp_path, layer(kind, 2, 6, size=0.3), channels=2)
    graph = made.graphs["float"]
    ranges = worst_case_ranges(graph, (-1.0, 1.0))
    values = [interpreter.evaluate(graph, [x]) for x in pushes()]
    for name, (lo, hi) in ranges.items():
        for found in values:
            assert (found[name] >= lo - 1e-9).all() and (found[name] <= hi + 1e-9).all(), name
    # A wrong rule would be noticed: the output is not so wide that a tenth of it would do.
    state = graph.states[0].value.name
    assert max(np.abs(found[state]).max() for found in values) > 0.1 * np.abs(ranges[state]).max()


def pushes():
    random = np.random.default_rng(9)
    yield random.uniform(-1, 1, (150, 2))
    yield random.choice([-1.0, 1.0], (150, 2))
    for corner in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        yield np.tile(np.array(corner, np.float64), (150, 1))


def test_a_loop_that_the_model_closes_is_kept_in_integers(tmp_path):
    import keras

    x, before = keras.Input((1, 2), name="x"), keras.Input((3,), name="before")
    y, after = keras.layers.GRU(3, return_sequences=True, return_state=True, name="gru")(x, initial_state=before)
    keras.Model([x, before], [keras.layers.Dense(1)(y), after]).save(tmp_path / "net.keras")
    made = compiler.compile(tmp_path / "net.keras", "mcu", out=tmp_path / "build", mode="stream", numbers="fixed")
    assert (len(made.graph.inputs), len(made.graph.outputs), len(made.graph.states)) == (1, 1, 1)
    n = np.random.default_rng(1).integers(-(1 << 15), 1 << 15, (40, 1, 2)).reshape(40, *made.graph.inputs[0].shape)
    assert (made.run(n, "host", raw=True) == made.run(n, raw=True)).all()
    assert made.report["snr_db"] > 55


def test_states_have_twice_the_bits_where_that_tells(tmp_path):
    widths = {}
    for kind in GATES:
        made = build(tmp_path / kind, layer(kind, 1, 3), bits=12)
        widths[kind] = [state.value.format.width for state in made.graph.states]
        assert made.graph.outputs[0].format.width == 12
    assert widths == {"SimpleRNN": [12], "GRU": [24], "LSTM": [24, 24]}


def test_a_slow_gate_does_not_stop_short(tmp_path):
    """h moves by a 2,000th of the way in each step, less than half of a 16-bit step near its end."""
    kernel = np.zeros((1, 3), np.float32)
    kernel[0, 2] = 2.0
    bias = np.array([[7.6, 0, 0], [0, 0, 0]], np.float32)
    weights = [kernel, np.zeros((1, 3), np.float32), bias]
    config = {"units": 1, "return_sequences": True, "activation": "tanh", "recurrent_activation": "sigmoid"}
    made = build(tmp_path, model_files.Entry("GRU", {**config, "reset_after": True}, weights))
    x = made.quantize(np.full((16_000, 1), 0.5))
    y = dequantize(made.run(x, "host", raw=True), made.graph.outputs[0].format)
    # The gate itself has 16 bits: it lets through a 32,768th more or less than it should.
    assert abs(y[-1, 0] - np.tanh(1.0)) < 1e-3
    assert (np.diff(y[:, 0]) >= 0).all()


def test_quantisers_of_the_file_and_recurrence_do_not_go_together_yet(tmp_path):
    grid = model_files.grid("quantized_bits(8, 2, alpha=1)")
    with pytest.raises(CompileError, match="layer 'layer_2': a recurrence among quantisers of the file"):
        build(tmp_path, grid, layer("SimpleRNN", 1, 2), grid)


def test_the_verifier_refuses_a_state_of_another_format():
    graph = passes.run(leaky(0.5, 0.25), passes.finish_fixed(FixedOptions()))
    verify(graph, "fixed")
    other = replace(graph.ops[0].output, format=Format(True, 16, 3))
    broken = tuple(replace(op, output=other) if isinstance(op, UnitDelay) else op for op in graph.ops)
    with pytest.raises(AssertionError, match="h: has the format"):
        verify(replace(graph, ops=broken), "fixed")


def test_a_state_that_begins_elsewhere_keeps_its_place_on_the_grid():
    graph = passes.run(leaky(0.5, 0.25, begin=0.3), passes.finish_fixed(FixedOptions()))
    (state,) = graph.states
    assert state.initial[0] == round(0.3 * 2**state.value.format.fraction)
    assert not any(isinstance(op, Quantize) for op in graph.ops)
    first = interpreter.run(graph, np.zeros((3, 1), np.int64))
    step = graph.outputs[0].format.step
    assert np.abs(first[:, 0] * step - 0.3 * np.array([0.5, 0.25, 0.125])).max() <= step


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "units"), [("GRU", 16), ("LSTM", 20)])
def test_a_hundred_thousand_samples_do_not_drift(tmp_path, kind, units):
    """Against floating point, part by part: each at least 40 dB above its error, the last as the first."""
    layers = layer(kind, 1, units, size=0.35), model_files.dense(np.linspace(-0.5, 0.6, units)[:, None])
    made = build(tmp_path, *layers)
    real = build(tmp_path / "float", *layers, numbers="float")
    n = np.arange(100_000)
    x = (0.5 * np.sin(n * 0.05) * np.sin(n * 0.0007))[:, None]
    y, wanted = made.run(x, "host"), real.run(x, "host")
    ratios = [
        10 * np.log10((wanted[part] ** 2).mean() / ((y - wanted)[part] ** 2).mean())
        for part in (slice(at, at + 10_000) for at in range(0, 100_000, 10_000))
    ]
    assert min(ratios) >= 40 and abs(ratios[-1] - ratios[0]) < 6
