"""Inputs that stand still for a block, as knobs do: what they decide is computed once a call, and streams exactly."""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from mcu_tools import compile_c
from models import randomize
from test_mcu_rest import Device, check_rest, check_silence

import compiler
from compiler import passes
from compiler.ir import interpreter
from compiler.mcu import runner
from compiler.mcu.interpreter import execute
from compiler.mcu.scheduler import make_schedule
from compiler.verification import verify


def modulated(layers, x, knobs, channels=4):
    """x * gain + offset, both made of the knobs by a network of their own."""
    hidden = layers.Dense(6, activation="tanh", name="hidden")(knobs)
    gain = layers.Reshape((1, channels), name="gain_row")(layers.Dense(channels, name="gain")(hidden))
    offset = layers.Reshape((1, channels), name="offset_row")(layers.Dense(channels, name="offset")(hidden))
    return layers.Add(name="offset_by")([layers.Multiply(name="scaled")([x, gain]), offset])


def film(layers, audio, knobs):
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(audio)
    x = layers.Activation("tanh")(modulated(layers, x, knobs))
    return layers.Conv1D(2, 4, padding="causal")(modulated_again(layers, x, knobs))


def modulated_again(layers, x, knobs):
    """By ranks that differ, which Keras lines up by itself."""
    return layers.Multiply()([layers.Dense(4, activation="sigmoid")(knobs), x])


def late(layers, audio, knobs):
    """Behind convolutions without padding, where streams wait for each other but knobs for nothing."""
    x = layers.Conv1D(4, 3, padding="valid")(modulated(layers, layers.Dense(4)(audio), knobs))
    shorter = layers.Cropping1D((2, 0))(layers.Dense(4)(audio))
    return layers.Add()([layers.Multiply()([x, layers.Dense(4)(knobs)]), shorter])


def recurrent(layers, audio, knobs):
    x = layers.GRU(4, return_sequences=True)(audio)
    return layers.Dense(1)(modulated(layers, x, knobs))


def operators(layers, audio, knobs):
    import keras

    x = layers.Conv1D(3, 2, padding="causal")(audio)
    return x * keras.ops.expand_dims(layers.Dense(3)(knobs), 1) + keras.ops.expand_dims(layers.Dense(1)(knobs), 1) * 0.5


def repeated(layers, audio, knobs):
    """Laid out along time: then they are channels beside others, and a convolution sees zeros before the first."""
    x = layers.Concatenate()([layers.Dense(2)(audio), layers.RepeatVector(STEPS)(layers.Dense(3)(knobs))])
    return layers.Conv1D(2, 3, padding="causal")(x)


def selected(layers, audio, knobs):
    """One of the knobs is a switch."""
    switch = layers.Embedding(5, 4)(knobs)
    return layers.Dense(1)(layers.Multiply()([layers.Dense(4)(audio), layers.Flatten()(switch)[:, :4]]))


STEPS = 40
MODELS = {function.__name__: function for function in (film, late, recurrent, operators, repeated, selected)}


def made(name, knobs_first=False):
    import keras

    audio = keras.Input((STEPS if name == "repeated" else None, 2), name="audio")
    knobs = keras.Input((2,), name="knobs")
    y = MODELS[name](keras.layers, audio, knobs)
    inputs = [knobs, audio] if knobs_first else [audio, knobs]
    return randomize(keras.Model(inputs, y, name="net"), len(name))


def given(name, streams=5, seed=0):
    """Not as many streams as channels: Keras 3.15 takes the shape (3, 1, 1) added to three channels for a bias."""
    rng = np.random.default_rng(seed)
    audio = rng.uniform(-1, 1, (streams, STEPS, 2)).astype(np.float32)
    knobs = rng.integers(0, 5, (streams, 2)) if name == "selected" else rng.uniform(-1, 1, (streams, 2))
    return {"audio": audio, "knobs": knobs.astype(np.float32)}


@pytest.fixture(scope="module", params=MODELS)
def build(request, tmp_path_factory):
    model = made(request.param, knobs_first=request.param == "late")
    return compiler.compile(model, "mcu", out=tmp_path_factory.mktemp(request.param) / "build", kernels="c"), model


def test_streams_equal_keras(build):
    build, model = build
    xs = given(model_name(build))
    wanted = np.asarray(model(xs, training=False))
    assert build.report["mode"] == "stream"
    assert build.report["controls"] == ["knobs"]
    for on in ("reference", "host"):
        y = build.run(xs, on=on)
        assert y.shape == wanted.shape
        assert np.abs(y - wanted).max() <= 1e-5
        one = build.run({key: x[1] for key, x in xs.items()}, on=on)
        np.testing.assert_array_equal(one, y[1])
    if model_name(build) == "film":
        assert all(check.passed for check in verify(build, samples=200))


def model_name(build):
    return build.folder.parent.name.rstrip("0123456789")


def turning(build, blocks, seed=0):
    """A stream whose knobs move from block to block: for each input (steps, *shape)."""
    name, starts = model_name(build), np.cumsum([0, *blocks])
    steps = int(starts[-1])
    xs = given(name, streams=steps, seed=seed)
    positions = np.repeat(xs["knobs"][: len(blocks)], blocks, axis=0)
    values = {"audio": np.concatenate(xs["audio"])[:steps], "knobs": positions}
    return [values[value.layer] for value in build.graph.inputs]


def test_knobs_move_between_blocks(build):
    """C, sanitized, in blocks of random length, and the schedule in numpy: both as the interpreter has it."""
    build, _ = build
    blocks = np.random.default_rng(1).integers(1, 9, 12).tolist()
    xs = turning(build, blocks)
    wanted = interpreter.evaluate(build.graph, xs)
    (output,) = (value.name for value in build.graph.outputs)
    assert (
        np.abs(wanted[output] - interpreter.evaluate(build.graph, turning(build, [sum(blocks)]))[output]).max() > 0.01
    )
    run = runner.run(build.folder, build.graph, xs, on="host", blocks=blocks, trace=True, sanitize=True)
    ran = execute(make_schedule(build.graph), *xs)
    for name, traced in run.traced.items():
        np.testing.assert_allclose(traced, wanted[name], atol=2e-6)
        np.testing.assert_allclose(ran[name], wanted[name], atol=2e-6)
    np.testing.assert_allclose(run.y, wanted[output], atol=2e-6)
    silent = runner.run(
        build.folder, build.graph, xs, on="host", blocks=[n for b in blocks for n in (0, b)], compact=True
    )
    np.testing.assert_array_equal(silent.y, run.y)


def test_what_the_knobs_decide_is_computed_once_a_call(build):
    build, _ = build
    source = (build.folder / "net.c").read_text()
    process = source[source.index("void net_process") :]
    once, _, each = process.partition("for (; samples != 0;")
    products = [op.output.name for op in build.graph.ops if type(op).__name__ in ("MatMul", "Gather")]
    per_block = [name for name in products if name in build.graph.control_rate]
    assert per_block
    assert len(per_block) < len(products)
    for name in per_block:
        table = re.compile(rf"net_{name}(_tanh|_sigmoid)?_(weights|table)\b")
        assert table.search(once)
        assert not table.search(each)
    knobs = [value.layer for value in build.graph.inputs].index("knobs")
    assert f"in{knobs} +=" not in each
    header = (build.folder / "net.h").read_text()
    assert f"#define NET_CONTROLS {1 << knobs}\n" in header
    assert f"`in{knobs}` is a control" in header


def test_a_call_of_no_samples_reads_nothing(build, tmp_path):
    build, _ = build
    main = '#include "net.h"\nint main(void)\n{\n    static net_t s;\n    net_init(&s);\n'
    (tmp_path / "main.c").write_text(f"{main}    net_process(&s, NULL, NULL, NULL, 0);\n    return 0;\n}}\n")
    flags = ("-std=c99", "-DNN_COMPACT", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g0")
    program = tmp_path / "main"
    compile_c(*flags, f"-I{build.folder}", build.folder / "net.c", tmp_path / "main.c", "-o", program, "-lm")
    compile_c(compiler=str(program))


def test_streams_begin_at_rest_with_their_knobs(build, tmp_path):
    build, _ = build
    if not build.graph.states or build.graph.recurrent:
        return
    device = Device(tmp_path, build.graph)
    check_rest(device, [x[0] for x in turning(build, [1])], build.graph.receptive_field)
    check_silence(device, build.graph.receptive_field)


def test_a_recurrence_comes_to_rest_with_its_knobs(tmp_path):
    build = compiler.compile(made("recurrent"), "mcu", out=tmp_path / "recurrent0" / "build", kernels="c")
    (tmp_path / "device").mkdir()
    device = Device(tmp_path / "device", build.graph)
    sample = [x[0] for x in turning(build, [1])]
    (settled,) = device.held(*sample, times=3000)
    assert device.call("reset_to_rest", *sample) == 0
    (y,) = device.process(*(np.repeat(x[None], 20, 0) for x in sample))
    assert np.abs(y - settled).max() < 2e-5


def test_macs_are_counted_where_they_happen(tmp_path):
    report = compiler.compile(made("film"), "mcu", out=tmp_path / "build").report
    assert report["macs_per_block"] == 2 * 6 + 6 * 4 + 6 * 4 + 2 * 4
    assert report["macs_per_sample"] == 3 * 2 * 4 + 4 * 4 * 2


@pytest.mark.parametrize("way", ["reference", "host"])
def test_inputs_that_do_not_fit(way, tmp_path):
    build = compiler.compile(made("film"), "mcu", out=tmp_path / "build")
    audio, knobs = given("film").values()
    for xs in ([audio, knobs[0]], [audio[0], knobs], [audio, knobs[:2]], [audio[0], audio[0]], [audio[0]]):
        with pytest.raises(compiler.CompileError, match="not fit"):
            build.run(xs, on=way)


def refused(y, audio, knobs, match, **options):
    import keras

    with pytest.raises(compiler.CompileError, match=match), tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "never"
        compiler.compile(keras.Model([audio, knobs], y, name="net"), "mcu", out=out, mode="stream", **options)


def test_what_cannot_stand_still_is_refused_by_name():
    import keras

    layers = keras.layers
    audio, knobs = keras.Input((None, 2), name="audio"), keras.Input((2,), name="knobs")
    fixed = layers.RepeatVector(5, name="five_times")(knobs)
    refused(layers.Concatenate(name="both")([audio, fixed]), audio, knobs, "'both': does not stream: 'five_times'")
    rows = layers.Reshape((STEPS, 2), name="a_course")(layers.Dense(2 * STEPS)(knobs))
    known = keras.Input((STEPS, 2), name="audio")
    refused(layers.Add(name="sum")([known, rows]), known, knobs, "'sum': does not stream: 'a_course'")
    refused([layers.Dense(1)(audio), layers.Dense(1, name="b")(knobs)], audio, knobs, "'b'.*does not change with time")
    held = layers.RepeatVector(STEPS, name="along")(knobs)
    refused([layers.Dense(1)(known), held], known, knobs, "'along'.*does not change with time")
    convolved = layers.Conv1D(2, 1, name="conv")(layers.Reshape((1, 2))(knobs))
    refused(layers.Add()([audio, convolved]), audio, knobs, "'conv': does not stream: it is a convolution")


def test_the_text_of_a_graph_says_what_is_held():
    from compiler.keras_file import from_model
    from compiler.lowering import lower

    graph = passes.run(lower(from_model(made("film")), "net"), passes.prepare() + passes.simplify("stream"))
    assert "  input knobs: float[2], control\n" in str(graph)
