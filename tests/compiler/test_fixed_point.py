"""From real numbers to integers: bounds of any size, biases of any kind, models with numbers of any magnitude."""

from fractions import Fraction

import model_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import compiler
from compiler import passes
from compiler.errors import CompileError
from compiler.ir import interpreter, numerics
from compiler.ir.accumulators import accumulator_width, interval
from compiler.ir.graph import Graph
from compiler.ir.numerics import ROUNDINGS, Format
from compiler.ir.ops import MatMul, Quantize, Requantize, Unary
from compiler.ir.values import Value
from compiler.mcu import runner
from compiler.passes import FixedOptions
from compiler.passes.integers import fuse_clamps

ROUNDING = st.sampled_from(ROUNDINGS)
SHIFTS = st.integers(-200, 200)
STEADY = settings(derandomize=True, database=None, deadline=None)  # the same every time, however long it takes


def exact(value: Fraction, rounding: str) -> int:
    """The rules of docs/numbers.md in fractions: the floor; or the nearest integer, ties upwards or to even."""
    floor = value.numerator // value.denominator
    rest = value - floor
    tie = {"floor": False, "half_up": rest == Fraction(1, 2), "half_even": rest == Fraction(1, 2) and floor % 2 == 1}
    return floor + (tie[rounding] or (rounding != "floor" and rest > Fraction(1, 2)))


@st.composite
def bounds(draw, bits=61):
    """An interval of integers of up to so many bits."""
    size = draw(st.integers(1, bits))
    return sorted(draw(st.integers(-(1 << (size - 1)), (1 << (size - 1)) - 1)) for _ in range(2))


# Arithmetic on bounds.


@STEADY
@given(st.integers(-(1 << 300), 1 << 300), SHIFTS, ROUNDING, bounds(100))
def test_an_integer_of_any_size_is_requantised_exactly(x, shift, rounding, interval):
    lo, hi = interval
    wanted = min(max(exact(Fraction(x) / Fraction(2) ** shift, rounding), lo), hi)
    assert numerics.requantize(x, shift, rounding, lo, hi) == wanted


@STEADY
@given(st.lists(st.integers(-(1 << 61), (1 << 61) - 1), min_size=1), SHIFTS, ROUNDING, bounds())
def test_arrays_are_requantised_as_single_integers_are(xs, shift, rounding, interval):
    got = numerics.requantize(np.array(xs), shift, rounding, *interval)
    assert got.tolist() == [numerics.requantize(x, shift, rounding, *interval) for x in xs]


@STEADY
@given(st.integers(1, 62), st.data(), SHIFTS, ROUNDING, bounds(32))
def test_the_shift_that_targets_do_is_as_good(width, data, shift, rounding, interval):
    x = data.draw(st.integers(-(1 << (width - 1)), (1 << (width - 1)) - 1))
    done = numerics.effective_shift(shift, width, *interval)
    assert numerics.requantize(x, done, rounding, *interval) == numerics.requantize(x, shift, rounding, *interval)


@STEADY
@given(SHIFTS, ROUNDING, bounds(62), bounds(32), st.booleans(), st.data())
def test_a_clamp_that_is_fused_leaves_every_integer_what_it_was(shift, rounding, outer, inner, first, data):
    """A clamp of 62 bits, as relu on an accumulator is, before or behind a requantisation."""
    x = Value("x", (1,), "x", Format(True, 62, 20))
    clamp, rescale = (0, "floor", *outer), (shift, rounding, *inner)
    ops, values = [], [x]
    for number, how in enumerate((clamp, rescale) if first else (rescale, clamp)):
        y = Value(f"y{number}", (1,), "y", Format(True, 62, values[-1].format.fraction - how[0]))
        own = dict(zip(("shift", "rounding", "lo", "hi"), how, strict=True))
        ops.append(Requantize(inputs=(values[-1],), output=y, **own))
        values.append(y)
    graph = Graph("net", "stream", (x,), (values[-1],), tuple(ops))
    fused = fuse_clamps(graph).ops[-1]
    assert fused.inputs == (x,)
    assert all(isinstance(bound, int) for bound in (fused.lo, fused.hi))
    for n in [*outer, *inner, 0, *(data.draw(st.integers(-(1 << 61), (1 << 61) - 1)) for _ in range(5))]:
        wanted = n
        for op in ops:
            wanted = numerics.requantize(wanted, op.shift, op.rounding, op.lo, op.hi)
        assert numerics.requantize(n, fused.shift, fused.rounding, fused.lo, fused.hi) == wanted


@STEADY
@given(bounds(32), st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=1, max_size=6), st.data())
def test_an_accumulator_holds_every_sum_and_the_half_that_rounding_adds(limited, weights, data):
    lo, hi = limited
    x = Value("x", (len(weights),), "x", Format(True, 40, 0), interval=(-(1 << 39), (1 << 39) - 1))
    limits = Value("limits", x.shape, "x", x.format, interval=limited)
    sums = Value("sums", (1,), "sums", Format(True, 62, 0))
    y = Value("y", (1,), "y", Format(True, 16, 0))
    bias, shift = data.draw(st.integers(-(1 << 55), 1 << 55)), data.draw(st.integers(-100, 100))
    product = MatMul(
        inputs=(limits,),
        output=sums,
        weights=np.array(weights)[:, None],
        bias=np.array([bias]),
        weights_format=Format(True, 33, 0),
    )
    ops = (
        Requantize(inputs=(x,), output=limits, shift=0, rounding="floor", lo=lo, hi=hi),
        product,
        Requantize(inputs=(sums,), output=y, shift=shift, rounding=data.draw(ROUNDING), lo=-5, hi=7),
    )
    graph = Graph("net", "stream", (x,), (y,), ops)
    assert interval(graph, ops[0]) == (lo, hi)
    width = accumulator_width(graph, product)
    most = bias + sum(max(lo * w, hi * w) for w in weights)
    least = bias + sum(min(lo * w, hi * w) for w in weights)
    done = numerics.effective_shift(shift, width, -5, 7)
    half = numerics.rounding_half(min(done, width - 1), ops[-1].rounding)
    assert -(1 << (width - 1)) <= least
    assert most + half < 1 << (width - 1)


# Biases.


def one_product(weights, bias, source, grid, *, relu=False, rounding="half_even", bias_format=None):
    """input -> quantiser -> product -> relu -> quantiser, as a float stream graph, and its fixed form."""
    (rows, columns), (given, made) = np.shape(weights), (source, grid)
    names = [Value(n, (size,), n) for n, size in zip("xqyrz", (rows, rows, *[columns] * 3), strict=True)]
    x, q, y, r, z = names
    product = MatMul(
        inputs=(q,),
        output=y,
        weights=np.asarray(weights, float),
        bias=np.asarray(bias, float),
        weights_format=Format(True, 16, 0),
        bias_format=bias_format,
    )
    ops = [Quantize(inputs=(x,), output=q, format=given, rounding="half_even", lo=given.lo, hi=given.hi), product]
    ops += [Unary(inputs=(y,), output=r, function="relu")] if relu else []
    last = ops[-1].output
    ops.append(Quantize(inputs=(last,), output=z, format=made, rounding=rounding, lo=made.lo, hi=made.hi))
    graph = Graph("net", "stream", (x,), (z,), tuple(ops))
    return passes.run(graph, passes.finish_fixed(FixedOptions()))


@STEADY
@given(st.data(), ROUNDING, st.booleans(), st.booleans())
def test_outputs_are_those_of_the_real_bias(data, rounding, relu, quantized):
    """Whatever a bias is, wherever the points of the grids lie: no output is one step beside the exact one."""
    source = Format(True, data.draw(st.integers(2, 4)), data.draw(st.integers(-2, 4)))
    grid = Format(True, data.draw(st.integers(3, 12)), data.draw(st.integers(-3, 6)))
    weights = np.array([[data.draw(st.integers(-2, 2))] for _ in range(2)])
    bias = data.draw(
        st.floats(-20, 20, width=32)
        | st.integers(-200, 200).map(lambda n: n / 16)
        | st.sampled_from([0.45, 1e-9, -1e-9])
    )
    if numerics.signed_width(-2, 2) + max(0, grid.fraction + 2 - source.fraction) > 16:
        return  # no room; see below
    bias_format = Format(True, 30, 24) if quantized else None
    graph = one_product(weights, [bias], source, grid, relu=relu, rounding=rounding, bias_format=bias_format)
    every = np.arange(source.lo, source.hi + 1)
    x = np.stack(np.meshgrid(every, every), -1).reshape(-1, 2)
    got = interpreter.run(graph, x)[:, 0].tolist()
    step, out = Fraction(2) ** -source.fraction, Fraction(2) ** grid.fraction
    sums = [Fraction(int(a @ weights[:, 0])) * step + Fraction(bias) for a in x]
    sums = [max(value, Fraction(0)) if relu else value for value in sums]
    wanted = [min(max(exact(value * out, rounding), grid.lo), grid.hi) for value in sums]
    shifted = sum(a != b for a, b in zip(got, wanted, strict=True))
    (product,) = (op for op in graph.ops if isinstance(op, MatMul))
    assert not shifted, f"{shifted} of {len(x)} outputs differ"
    assert product.bias_error is None


def test_a_bias_makes_no_sum_longer_than_32_bits_for_the_sake_of_a_step():
    """Sums of 31 bits, and a bias between the points of their grid: with a quantiser it must be exact all the same."""
    source, grid, weights = Format(True, 16, 15), Format(True, 8, 4), np.full((4, 1), 12000)
    for bias_format, wanted in ((None, 15), (Format(True, 24, 20), 16)):
        graph = one_product(weights, [0.3 + 2**-20], source, grid, bias_format=bias_format)
        (product,) = (op for op in graph.ops if isinstance(op, MatMul))
        assert (product.output.format.fraction, product.bias_error) == (wanted, None)
    graph = one_product(weights // 8, [0.3], source, grid)
    (product,) = (op for op in graph.ops if isinstance(op, MatMul))
    assert product.output.format.fraction == 16, "where it costs nothing"


def test_the_bias_of_a_ternary_layer_is_not_lost(tmp_path):
    """Inputs and weights without fraction bits, a bias of .45, and an output that shows it."""
    model = model_files.write(
        tmp_path / "net.h5",
        (None, 2),
        model_files.grid("quantized_bits(4, 3, alpha=1)"),
        model_files.dense([[1.0], [-1.0]], [0.45], kernel_quantizer="ternary(alpha=1)"),
        model_files.grid("quantized_bits(16, 3, alpha=1)"),
    )
    build = compiler.compile(model, "mcu", numbers="fixed", out=tmp_path / "build")
    x = np.array([[1.0, 1.0], [3.0, 1.0], [-2.0, 2.0]])
    assert np.abs(build.run(x)[:, 0] - [0.45, 2.45, -3.55]).max() <= 2.0**-13
    assert np.array_equal(build.run(x, "host"), build.run(x))
    assert build.report["layers"][0]["bias_error_steps"] is None


def test_a_bias_that_has_no_room_is_reported(tmp_path):
    model = model_files.write(
        tmp_path / "net.h5",
        (None, 1),
        model_files.grid("quantized_bits(4, 3, alpha=1)"),
        model_files.dense([[32767 / 32768]], [0.3], kernel_quantizer="quantized_bits(16, 0, alpha=1)"),
        model_files.grid("quantized_bits(20, 2, alpha=1)"),
    )
    build = compiler.compile(model, "fpga", out=tmp_path / "build")
    (layer,) = build.report["layers"]
    products, steps = 15, 17
    missed = abs(round(np.float32(0.3) * 2**products) / 2**products - float(np.float32(0.3))) * 2**steps
    assert layer["bias_error_steps"] == pytest.approx(missed, rel=0.01)
    (warning,) = compiler.manifest.warnings(build.report)
    assert "layer 'layer_2'" in warning
    assert "bias" in warning


# Numbers of any magnitude.

SMALL, LARGE = 1e-30, 1e30
CHAINS = {
    "cancels": ([[[0.5]]], [[-0.4999]]),
    "cancels to nothing": ([[[0.5]]], [[-0.5]]),
    "cancels to the last bit": ([[[1.0]], [[1.0]]], [[-1 + 2.0**-24], [0.0]]),
    "tiny weights under a bias": ([[[SMALL]], [[1.0]]], [[1.0], [0.5]]),
    "tiny bias": ([[[1.0]], [[1.0]]], [[SMALL], [-SMALL]]),
    "tiny everything": ([[[SMALL]], [[SMALL]]], [[SMALL], [0.0]]),
    "denormal": ([[[1e-45]], [[1.0]]], [[0.0], [0.0]]),
    "large": ([[[LARGE]], [[1.0]]], [[1.0], [LARGE]]),
    "large, then tiny": ([[[LARGE]], [[SMALL]]], [[0.0], [-0.25]]),
    "zeros": ([[[0.0]], [[0.0]]], [[0.0], [0.0]]),
    "uneven": ([[[1e6, 1e-6]], [[1e-6], [1e6]]], [[1e-3, 1e3], [0.0]]),
}
OPTIONS = ({"weight_bits": 8}, {}, {"bits": 4, "weight_bits": 2, "rounding": "half_even"})
FLOAT32 = 1e-38  # and smaller numbers are none of its normal ones


def chain(path, name):
    """Dense layers with a relu between them, and one behind the last."""
    layers = []
    for kernel, bias in zip(*CHAINS[name], strict=True):
        layers += [model_files.dense(kernel, bias), model_files.relu()]
    return model_files.write(path, (None, 1), *layers)


@pytest.mark.parametrize("name", CHAINS)
def test_numbers_of_any_magnitude_compile_to_the_same_bits(name, tmp_path):
    model = chain(tmp_path / "net.h5", name)
    for number, options in enumerate(OPTIONS if name == "cancels" else OPTIONS[1:]):
        build = compiler.compile(model, "mcu", numbers="fixed", out=tmp_path / f"build_{number}", **options)
        x = build.quantize(np.linspace(-1.2, 1.2, 97)[:, None])
        wanted = interpreter.run(build.graph, x)
        got = runner.run(build.folder, build.graph, x.astype(np.int16), on="host", sanitize=True)
        assert np.array_equal(got.y, wanted)
        compiler.compile(model, "fpga", out=tmp_path / f"fpga_{number}", **options)
        if not options:
            reals = numerics.dequantize(x, build.graph.inputs[0].format)
            ideal = interpreter.run(build.graphs["float"], reals)
            missed = np.abs(numerics.dequantize(wanted, build.graph.outputs[0].format) - ideal).max()
            # 16 bits: within some steps of a format that holds the largest output, or of what the input's step makes.
            scale = max(np.abs(ideal).max(), np.prod([np.abs(kernel).max() for kernel in CHAINS[name][0]]))
            assert missed <= scale * 2.0**-12 + FLOAT32


def test_rtl_appends_zeros_and_drops_more_bits_than_there_are(tmp_path):
    """The output's grid far finer than the products', and far coarser."""
    for number, (inner, last) in enumerate([("(16, -9", "(16, 14"), ("(16, 3", "(16, 40"), ("(12, 11", "(16, -30")]):
        model = model_files.write(
            tmp_path / "net.h5",
            (None, 1),
            model_files.grid(f"quantized_bits{inner}, alpha=1)"),
            model_files.dense([[1.0]], [0.0], kernel_quantizer="ternary(alpha=1)"),
            model_files.grid(f"quantized_bits{last}, alpha=1)"),
        )
        build = compiler.compile(model, "fpga", out=tmp_path / f"rtl_{number}")
        x = np.array([-2048, -77, -1, 0, 1, 5, 2047])[:, None]
        assert np.array_equal(build.run(x, "rtl", raw=True), build.run(x, raw=True))
        build = compiler.compile(model, "mcu", numbers="fixed", out=tmp_path / f"mcu_{number}")
        assert np.array_equal(build.run(x, "host", raw=True), build.run(x, raw=True))


def test_values_beyond_floating_point_are_refused_by_name(tmp_path):
    layers = [model_files.dense([[3e38]], [3e38]), model_files.dense([[1.0]], [0.0])]
    model = model_files.write(tmp_path / "net.h5", (None, 1), *layers)
    with pytest.raises(CompileError, match="layer 'layer_1': its values may grow beyond 32-bit floating point"):
        compiler.compile(model, "mcu", numbers="fixed", out=tmp_path / "build")
