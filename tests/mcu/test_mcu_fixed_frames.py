"""Frames in fixed point: integers to the last bit wherever they run, near the floats, means to a last bit, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from layer_cases import CASES
from models import randomize
from support_table import FIXED_POINT, FRAMES_IN_FIXED_POINT

import compiler
from compiler import keras_file, passes, pipeline
from compiler.errors import CompileError
from compiler.ir import interpreter, numerics
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format
from compiler.ir.ops import Constant, Convolution
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Value
from compiler.lowering import lower
from compiler.mcu import runner, steps
from compiler.mcu.interpreter import execute
from compiler.mcu.places import DTYPES
from compiler.mcu.scheduler import make_schedule
from compiler.options import Options
from compiler.passes import weight_grids

WITHOUT = ("softmax", "glu")
# One layer on 16 bits: half a step where it is rounded, what weights rounded to 16 bits add, a step of a table.
STEPS = 4


def by_class():
    """Those with one input, and for what streams in fixed point its plainest use over a known length."""
    classes = {}
    for case in CASES:
        plain = case.library == "keras" and len(case.shapes) == 1 and case.values == "noise"
        if plain and (case.mode == "F" or (case.class_name in FIXED_POINT and case.class_name not in classes)):
            shapes = tuple(tuple(12 if n is None else n for n in shape) for shape in case.shapes)
            classes.setdefault(case.class_name, []).append(replace(case, shapes=shapes))
    return classes


def finish(path, **options):
    lowered = passes.run(lower(keras_file.read(path), "net"), passes.prepare())
    return pipeline.finish(lowered, Options("mcu", **{"numbers": "fixed", "mode": "frame", **options})).graphs


def has_form(case):
    """As the table says in words."""
    part = {
        "Activation": "oftmax" not in str(case.layer) and "glu" not in str(case.layer),
        "GroupNormalization": case.layer.kwargs.get("epsilon", 0) >= 0.1,
        "PReLU": case.layer.kwargs.get("shared_axes") == [1],
        "TimeDistributed": str(case.layer).startswith("TimeDistributed(Dense("),
    }
    known = (
        FRAMES_IN_FIXED_POINT.get(case.class_name, "no") != "no" and case.layer.kwargs.get("activation") not in WITHOUT
    )
    return known and part.get(case.class_name, True)


@pytest.mark.parametrize(
    ("class_name", "cases"), by_class().items(), ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_layer_of_the_table(class_name, cases, tmp_path):
    for number, case in enumerate(cases):
        path = tmp_path / f"{number}.{case.suffix}"
        case.model().save(path)
        if not has_form(case):
            with pytest.raises(CompileError, match=r"has no (fixed-point form|finite value)|a table of .* misses it"):
                finish(path)
            continue
        most = 1 if class_name == "GroupNormalization" else 2
        graphs = finish(path, input_range=(-most, most))
        graph = graphs["fixed"]
        x = numerics.quantize(case.inputs()[0], graph.inputs[0].format)
        y = interpreter.run(graph, x)
        assert np.array_equal(execute(make_schedule(graph), x.astype(np.int16))[0], y), case.id
        ideal = interpreter.run(graphs["float"], numerics.dequantize(x, graph.inputs[0].format))
        grid = graph.outputs[0].format
        assert np.abs(numerics.dequantize(y, grid) - ideal).max() <= STEPS * grid.step, case.id


def image():
    import keras
    from keras import layers

    x = i = keras.Input((9, 8, 3))
    x = layers.Conv2D(6, 3, padding="same", strides=2, activation="relu")(x)
    x = layers.ReLU()(layers.Add()([x, layers.DepthwiseConv2D(3, padding="same")(x)]))
    x = layers.BatchNormalization()(layers.SeparableConv2D(8, 3, padding="same", activation="relu")(x))
    x = layers.Concatenate()([layers.MaxPooling2D(2, padding="same")(x), layers.AveragePooling2D(2, padding="same")(x)])
    x = layers.Cropping2D(((1, 0), (0, 1)))(layers.ZeroPadding2D(1)(layers.UpSampling2D(2)(x)))
    x = layers.Permute((2, 1, 3))(layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x))
    x = layers.Conv2D(6, (2, 1), groups=2, dilation_rate=2)(x)
    wide = layers.Maximum()([x, layers.Conv2D(1, 1)(x)])
    x = layers.Multiply()([layers.GlobalAveragePooling2D()(wide), layers.GlobalMaxPooling2D()(x)])
    return keras.Model(i, layers.Dense(5)(x))


def series():
    import keras
    from keras import layers

    x = i = keras.Input((12, 2))
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(x)
    x = layers.Subtract()([x, layers.DepthwiseConv1D(3, padding="same")(x)])
    x = layers.Conv1DTranspose(3, 3, strides=2)(layers.MaxPooling1D(3, 2)(x))
    x = layers.AveragePooling1D(3, padding="same")(layers.Conv1D(4, 3, strides=2, padding="same")(x))
    return keras.Model(i, layers.Flatten()(x))


def classifier():
    import keras
    from keras import layers

    x = i = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, activation="relu", groups=2)(x)
    x = layers.MaxPooling2D()(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.Add()([x, layers.Conv2D(4, 1)(x)])
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    return keras.Model(i, layers.Dense(3)(x))


@pytest.mark.parametrize(
    ("make", "numbers", "ctype", "snr_db"),
    [(image, "fixed", "int16_t", 20), (series, "16x8", "int16_t", 25), (classifier, "8", "int8_t", 10)],
)
def test_whole_networks_are_the_same_bits_everywhere(make, numbers, ctype, snr_db, tmp_path):
    model = randomize(make(), 3)
    build = compiler.compile(model, "mcu", numbers=numbers, mode="frame", out=tmp_path / "build", name="net")
    assert build.report["mode"] == "frame"
    schedule = make_schedule(build.graph)
    assert {port.place.ctype for port in (*schedule.inputs, *schedule.outputs)} == {ctype}
    products = [step for step in schedule.steps if isinstance(step, steps.MatMul | steps.Convolution)]
    assert {step.stored for step in products} == {"int16_t" if numbers == "fixed" else "int8_t"}
    assert numbers != "8" or {step.accumulator for step in products} == {"int32_t"}
    format = build.graph.inputs[0].format
    # Noise, and the ends of the format, where anything that overflows would.
    rng = np.random.default_rng(0)
    shape = (3, *build.graph.inputs[0].shape)
    x = np.concatenate([rng.integers(format.lo, format.hi + 1, shape), rng.choice([format.lo, format.hi], shape)])
    x = x.astype(DTYPES[schedule.inputs[0].place.ctype])
    values = interpreter.evaluate(build.graph, [x])
    ways = [{"on": "host", "sanitize": True}, {"on": "emulator", "compact": True}]
    ways = [runner.run(build.folder, build.graph, x, trace=True, **how).traced for how in ways]
    for got in (*ways, execute(schedule, x)):
        for name in ways[0]:
            assert np.array_equal(got[name], values[name]), name
    assert build.report["snr_db"] > snr_db


def test_weights_of_8_bits_have_a_grid_for_each_output():
    """Outputs whose weights differ a hundredfold keep their bits, in memory too, and have one accumulator."""
    rng = np.random.default_rng(5)
    kernel = rng.uniform(-1, 1, (3, 3, 2, 4)) * [1, 0.3, 0.1, 0.01]
    x, y = Value("x", (6, 6, 2), "x"), Value("y", (4, 4, 4), "y")
    op = Convolution(
        inputs=(x,), output=y, kernel=kernel, bias=np.zeros(4), strides=(1, 1), dilation=(1, 1), padding=((0, 0),) * 2
    )
    frames = Graph("net", "frame", (x,), (y,), (op,))
    graph = passes.run(frames, passes.finish_fixed(passes.FixedOptions(16, 8), "frame"))
    (product,) = (op for op in graph.ops if isinstance(op, Convolution))
    real = np.ldexp(product.matrix.astype(float), -product.weights_format.fraction)
    most = np.abs(kernel.reshape(-1, 4)).max(axis=0)
    off = np.abs(real - kernel.reshape(-1, 4)).max(axis=0) / most
    assert (off[:3] <= 2.0**-7).all()
    assert off[3] <= 2.0**-5  # its sums would leave 32 bits otherwise
    assert product.output.format.width <= 32
    (step,) = (step for step in make_schedule(graph).steps if isinstance(step, steps.Convolution))
    assert (step.stored, step.accumulator) == ("int8_t", "int32_t")
    assert len(set(step.up.tolist())) >= 3
    # One grid for all of them, as streams have it, loses the small ones.
    one = weight_grids.on_weights_grid(op, 8)
    assert np.abs(one.matrix - kernel.reshape(-1, 4)).max(axis=0)[3] / most[3] > 0.2


def mean_of(op, **attributes):
    x = Value("x", (9, 7, 2), "x")
    y = Value("y", (2,) if op is Reduce else (5, 4, 2), "y")
    graph = Graph("net", "frame", (x,), (y,), (op(inputs=(x,), output=y, function="mean", **attributes),))
    options = passes.FixedOptions(input_range=(-1, 1))
    return passes.run(graph, passes.finish_fixed(options, "frame"))


@pytest.mark.parametrize("case", ["whole", "boxes"])
def test_a_mean_is_within_a_last_bit_of_the_exact_one(case):
    """Half of one for the constant, half for the rounding; padding does not count, so that boxes differ in size."""
    boxes = {"size": (3, 2), "strides": (2, 2), "padding": ((1, 1), (0, 1))}
    graph = mean_of(Reduce, axes=(0, 1)) if case == "whole" else mean_of(Pool, **boxes)
    rng = np.random.default_rng(1)
    x = rng.integers(-(1 << 15), 1 << 15, (50, 9, 7, 2))
    x[0], x[1] = -(1 << 15), (1 << 15) - 1
    (op,) = (op for op in graph.ops if isinstance(op, Reduce | Pool))
    exact = interpreter.plain(replace(op, function="mean"), [x.astype(np.float64)])
    y = interpreter.run(graph, x)
    assert graph.outputs[0].format == graph.inputs[0].format == Format(True, 16, 15)
    assert np.abs(y - exact).max() <= 1
    assert np.array_equal(execute(make_schedule(graph), x.astype(np.int16))[0], y)
    (share,) = (op for op in graph.ops if isinstance(op, Constant))
    assert share.value.size == (1 if case == "whole" else 5 * 4)
    # A constant with a bit less is not good enough at the end of the range: the bound is not an idle one.
    coarse = replace(share, value=share.value >> 9 << 9)
    ops = tuple(coarse if op is share else op for op in graph.ops)
    assert np.abs(interpreter.run(replace(graph, ops=ops), x) - exact).max() > 1


def test_a_mean_of_a_power_of_two_numbers_is_rounded_once():
    x, y = Value("x", (4, 2), "x"), Value("y", (2,), "y")
    op = Reduce(inputs=(x,), output=y, function="mean", axes=(0,))
    graph = Graph("net", "frame", (x,), (y,), (op,))
    graph = passes.run(graph, passes.finish_fixed(passes.FixedOptions(), "frame"))
    x = np.random.default_rng(2).integers(-(1 << 15), 1 << 15, (100, 4, 2))
    assert np.array_equal(interpreter.run(graph, x), np.floor(x.mean(axis=1) + 0.5))


def test_what_frames_cannot_do_in_fixed_point_is_refused_by_name(tmp_path):
    import keras
    from keras import layers

    i = keras.Input((6, 6, 2), name="picture")
    soft = keras.Model(i, layers.Softmax(name="soft")(layers.Conv2D(2, 3, name="c")(i)))
    with pytest.raises(CompileError, match=r"layer 'soft': .*has no fixed-point form"):
        compiler.compile(soft, "mcu", numbers="fixed", out=tmp_path / "build")
    plain = keras.Model(i, layers.Conv2D(2, 3, name="c")(i))
    with pytest.raises(CompileError, match="layer 'c'") as caught:
        compiler.compile(plain, "fpga", out=tmp_path / "build")
    assert "--target mcu" in caught.value.hint
    assert not (tmp_path / "build").exists()
