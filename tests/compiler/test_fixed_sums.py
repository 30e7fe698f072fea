"""Several values made one in fixed point, sums and joins: their grids, their bits, and what is refused."""

import json

import model_files
import numpy as np
import pytest

import compiler
from compiler import passes
from compiler.errors import CompileError
from compiler.ir import interpreter, numerics
from compiler.ir.graph import Graph
from compiler.ir.ops import Binary, MatMul, Quantize, Requantize, Sum
from compiler.ir.values import Value
from compiler.passes import FixedOptions

RANDOM = np.random.default_rng(11)


def entry(kind, *reads, **config):
    return model_files.Entry(kind, config, reads=reads)


def dense(kernel, source, bias=None, **config):
    made = model_files.dense(kernel, bias, **config)
    return model_files.Entry(made.class_name, made.config, made.weights, reads=(source,))


def grid(quantizer, source):
    return entry("QActivation", source, activation=quantizer)


def build(tmp_path, *layers, channels=2, target="mcu", **options):
    tmp_path.mkdir(exist_ok=True)
    path = model_files.write(tmp_path / "net.h5", (None, channels), *layers)
    options = {"numbers": "fixed", **options} if target == "mcu" else options
    return compiler.compile(path, target, out=tmp_path / "build", name="net", **options)


def matrix(*shape, size=0.5):
    return RANDOM.normal(0, size, shape)


def residual():
    """Two residual blocks, and what they skip summed up: 1 is what the first block reads."""
    return (
        dense(matrix(2, 4), 0, matrix(4)),
        dense(matrix(4, 4), 1, matrix(4), activation="relu"),
        dense(matrix(4, 4), 2, matrix(4)),
        entry("Add", 1, 3),
        dense(matrix(4, 4), 4, matrix(4), activation="relu"),
        dense(matrix(4, 4), 5, matrix(4)),
        entry("Subtract", 4, 6),
        dense(matrix(4, 3), 2, matrix(3)),
        dense(matrix(4, 3), 5, matrix(3)),
        dense(matrix(4, 3), 7, matrix(3)),
        entry("Add", 8, 9, 10),
    )


def test_a_sum_takes_products_as_they_are_and_is_rounded_once(tmp_path):
    made = build(tmp_path, *residual())
    sums = [op for op in made.graph.ops if isinstance(op, Sum)]
    products = {op.output.name for op in made.graph.ops if isinstance(op, MatMul)}
    assert len(sums) == 4  # the last one is of three
    chained = products | {op.output.name for op in sums}
    for op in sums[2:]:
        assert {value.name for value in op.inputs} <= chained
    for op in sums:
        assert all(isinstance(r, Requantize | Sum) for r in made.graph.consumers(op.output))
    assert made.report["snr_db"] > 65
    assert json.loads((made.folder / "report.json").read_text())["snr_db"] == made.report["snr_db"]


def test_the_sum_is_within_half_a_step_of_the_exact_one(tmp_path):
    """Of the terms, on whatever grids, and of the products with their rounded weights."""
    made = build(tmp_path, dense(matrix(2, 2), 0), dense(matrix(2, 2, size=30), 0), entry("Subtract", 1, 2))
    x = made.quantize(RANDOM.uniform(-1, 1, (200, 2)))
    values = interpreter.evaluate(made.graph, [x])
    (total,) = (op for op in made.graph.ops if isinstance(op, Sum))
    a, b = (numerics.dequantize(values[v.name], v.format) for v in total.inputs)
    y = numerics.dequantize(made.run(x, raw=True), made.graph.outputs[0].format)
    assert np.abs(y - (a - b)).max() <= made.graph.outputs[0].format.step / 2


@pytest.mark.parametrize("scales", [(1.0, 2.0**-40), (2.0**-40, 1.0), (2.0**-40, 2.0**-41)])
def test_terms_of_very_different_sizes(tmp_path, scales):
    """A term far finer than the sum's steps takes no accumulator without end."""
    layers = [dense(np.eye(2) * scale, 0) for scale in scales]
    made = build(tmp_path, *layers, entry("Add", 1, 2))
    x = made.quantize(RANDOM.uniform(-1, 1, (50, 2)))
    y = numerics.dequantize(made.run(x, raw=True), made.graph.outputs[0].format)
    exact = numerics.dequantize(x, made.graph.inputs[0].format) * sum(scales)
    assert np.abs(y - exact).max() <= 2 * made.graph.outputs[0].format.step
    assert (made.run(x, "host", raw=True) == made.run(x, raw=True)).all()


def test_the_bias_of_a_term_misses_by_less_than_one_128th_of_a_step(tmp_path):
    bias, grids = np.array([0.3, -0.7]), "quantized_bits(8, 3, alpha=1)"
    product = {"kernel_quantizer": "quantized_bits(4, 1, alpha=1)"}
    layers = [grid(grids, 0), dense(np.eye(2), 1, bias, **product), entry("Add", 1, 2), grid(grids, 3)]
    made = build(tmp_path, *layers)
    (op,) = (op for op in made.graph.ops if isinstance(op, MatMul))
    steps = (op.bias * op.output.format.step - bias.astype(np.float32)) / made.graph.outputs[0].format.step
    assert np.abs(steps).max() <= 1 / 128
    assert op.bias_error is None


def test_quantisers_of_the_file_stand_behind_sums(tmp_path):
    grids = "quantized_bits(8, 2, alpha=1)"
    product = {"kernel_quantizer": "quantized_bits(4, 0, alpha=1)"}
    layers = [grid(grids, 0), dense(np.eye(2), 1, **product), entry("Add", 1, 2)]
    made = build(tmp_path, *layers, grid("quantized_bits(6, 2, alpha=1)", 3))
    x = made.quantize(np.linspace(-4, 4, 80).reshape(-1, 2))
    (rounding,) = (op for op in made.graphs["float"].ops if isinstance(op, Quantize) and op.format.width == 6)
    real = numerics.dequantize(x, made.graph.inputs[0].format) * (1 + 0.875)  # an eye on the grid ends below 1
    wanted = numerics.quantize(real, rounding.format, rounding.rounding, rounding.lo, rounding.hi)
    assert (made.run(x, raw=True) == wanted).all()
    again = (dense(np.eye(2), 3, **product), grid(grids, 4))
    with pytest.raises(CompileError, match="layer 'layer_4': its input has no quantiser"):
        build(tmp_path / "again", *layers, *again)
    with pytest.raises(CompileError, match="layer 'layer_3': the model's output has no quantiser"):
        build(tmp_path / "end", *layers)
    bent = (entry("Activation", 2, activation="relu"), entry("Add", 1, 3), grid(grids, 4))
    with pytest.raises(CompileError, match="layer 'layer_3': the sum that reads it needs a quantiser in front"):
        build(tmp_path / "bent", *layers[:2], *bent)


def test_grids_too_far_apart_are_refused(tmp_path):
    layers = [grid("quantized_bits(16, -30, alpha=1)", 0), grid("quantized_bits(16, 40, alpha=1)", 1)]
    with pytest.raises(CompileError, match=r"layer 'layer_3': its accumulator would need \d+ bits"):
        build(tmp_path, *layers, entry("Add", 1, 2), grid("quantized_bits(8, 0, alpha=1)", 3))


def test_verilog_refuses_a_sum_by_name(tmp_path):
    with pytest.raises(CompileError, match="layer 'layer_2': a sum of values has no form in Verilog") as caught:
        build(tmp_path, dense(np.eye(2), 0), entry("Add", 0, 1), target="fpga")
    assert not (tmp_path / "build").exists()
    assert "--target mcu" in caught.value.hint


@pytest.mark.parametrize(("kind", "sign"), [("Add", 1), ("Subtract", -1)])
def test_one_number_for_all_channels(tmp_path, kind, sign):
    made = build(tmp_path, dense(np.eye(2), 0), dense(np.ones((2, 1)), 0), entry(kind, 1, 2))
    x = made.quantize(RANDOM.uniform(-1, 1, (30, 2)))
    got = made.run(x, raw=True)
    assert (made.run(x, "host", raw=True) == got).all()
    real = numerics.dequantize(x, made.graph.inputs[0].format)
    y, step = numerics.dequantize(got, made.graph.outputs[0].format), made.graph.outputs[0].format.step
    assert np.abs(y - (real + sign * real.sum(-1, keepdims=True))).max() <= 2 * step


def test_a_value_added_to_itself(tmp_path):
    made = build(tmp_path, entry("Add", 0, 0), entry("Subtract", 1, 0))
    x = made.quantize(RANDOM.uniform(-1, 1, (30, 2)))
    assert (made.run(x, "host", raw=True) == made.run(x, raw=True)).all()
    y = numerics.dequantize(made.run(x, raw=True), made.graph.outputs[0].format)
    assert np.abs(y - numerics.dequantize(x, made.graph.inputs[0].format)).max() <= made.graph.outputs[0].format.step


def test_ranges_of_sums():
    x, y, z = (Value(name, (None, 1), name) for name in "xyz")
    shifted = MatMul(inputs=(x,), output=y, weights=np.eye(1), bias=np.array([3.0]))
    graph = Graph("net", "frame", (x,), (z,), (shifted, Binary(inputs=(x, y), output=z, function="subtract")))
    simple = passes.run(graph, passes.simplify())
    made = passes.run(simple, passes.finish_fixed(FixedOptions(input_range=(-1.0, 2.0))))
    assert made.outputs[0].range == (-6.0, 0.0)


def test_a_second_quantiser_behind_the_input_counts(tmp_path):
    fine, coarse = "quantized_bits(16, 2, alpha=1)", "quantized_bits(4, 1, alpha=1)"
    product = {"kernel_quantizer": "quantized_bits(4, 1, alpha=1)"}
    made = build(tmp_path, grid(fine, 0), grid(coarse, 1), dense(np.eye(2), 2, **product), grid(fine, 3))
    x = made.quantize(np.linspace(-1.5, 1.5, 40).reshape(-1, 2))
    ideal = interpreter.run(made.graphs["float"], numerics.dequantize(x, made.graph.inputs[0].format))
    y = numerics.dequantize(made.run(x, raw=True), made.graph.outputs[0].format)
    assert len(np.unique(y)) < 16
    np.testing.assert_array_equal(y, ideal)


@pytest.mark.parametrize("kind", ["Maximum", "Minimum", "Concatenate"])
def test_joins_of_different_sizes(tmp_path, kind):
    """The coarser grid for both; what is picked is within half a step."""
    config = {"axis": -1} if kind == "Concatenate" else {}
    layers = [dense(np.eye(2) * 0.75, 0), dense(np.eye(2) * 5, 0)]
    made = build(tmp_path, *layers, entry(kind, 1, 2, **config))
    x = made.quantize(RANDOM.uniform(-1, 1, (200, 2)))
    real = numerics.dequantize(x, made.graph.inputs[0].format)
    extreme = {"Maximum": np.maximum, "Minimum": np.minimum, "Concatenate": lambda a, b: np.concatenate([a, b], 1)}
    y = numerics.dequantize(made.run(x, raw=True), made.graph.outputs[0].format)
    assert np.abs(y - extreme[kind](real * 0.75, real * 5)).max() <= made.graph.outputs[0].format.step / 2
    assert (made.run(x, "host", raw=True) == made.run(x, raw=True)).all()


@pytest.mark.parametrize("kind", ["Maximum", "Concatenate"])
def test_joins_of_grids_of_the_file_are_exact(tmp_path, kind):
    config = {"axis": -1} if kind == "Concatenate" else {}
    fine, coarse = "quantized_bits(8, 0, alpha=1)", "quantized_bits(8, 3, alpha=1)"
    product = {"kernel_quantizer": "quantized_bits(4, 1, alpha=1)"}
    layers = [grid(coarse, 0), dense(np.eye(2) / 8, 1, **product), grid(fine, 2), entry(kind, 1, 3, **config)]
    end = [dense(np.ones((4 if config else 2, 2)), 4, **product), grid("quantized_bits(16, 6, alpha=1)", 5)]
    made = build(tmp_path, *layers, *end)
    x = made.quantize(np.linspace(-8, 8, 200).reshape(-1, 2))
    ideal = interpreter.run(made.graphs["float"], numerics.dequantize(x, made.graph.inputs[0].format))
    y = made.run(x, "host", raw=True)
    np.testing.assert_array_equal(numerics.dequantize(y, made.graph.outputs[0].format), ideal)
    loose = [*layers[:2], entry(kind, 1, 2, **config), grid(fine, 3)]
    with pytest.raises(CompileError, match="layer 'layer_3': its input has no quantiser"):
        build(tmp_path / "loose", *loose)
    far = [grid(coarse, 0), grid("quantized_bits(8, -9, alpha=1)", 1), entry(kind, 1, 2, **config)]
    with pytest.raises(CompileError, match="layer 'layer_3': a value of 20 bits, more than 16"):
        build(tmp_path / "far", *far)


def test_verilog_refuses_joins_by_name(tmp_path):
    for kind in ("Maximum", "Concatenate"):
        config = {"axis": -1} if kind == "Concatenate" else {}
        with pytest.raises(CompileError, match=r"layer 'layer_2': .* has no form in Verilog"):
            build(tmp_path, dense(np.eye(2), 0), entry(kind, 0, 1, **config), target="fpga")


def test_a_product_of_values_is_rounded_once(tmp_path):
    made = build(tmp_path, dense(matrix(2, 2), 0), entry("Multiply", 0, 1))
    x = made.quantize(RANDOM.uniform(-1, 1, (200, 2)))
    values = interpreter.evaluate(made.graph, [x])
    (product,) = (op for op in made.graph.ops if isinstance(op, Binary))
    a, b = (numerics.dequantize(values[v.name], v.format) for v in product.inputs)
    y = made.run(x, raw=True)
    step = made.graph.outputs[0].format.step
    assert np.abs(numerics.dequantize(y, made.graph.outputs[0].format) - a * b).max() <= step / 2
    assert (made.run(x, "host", raw=True) == y).all()
    assert (made.run(np.full((1, 2), -32768), "host", raw=True) == made.run(np.full((1, 2), -32768), raw=True)).all()


def test_products_of_values_need_quantisers_of_the_file(tmp_path):
    grids = "quantized_bits(8, 3, alpha=1)"
    layers = [grid(grids, 0), dense(np.eye(2), 1, kernel_quantizer="quantized_bits(4, 1, alpha=1)")]
    with pytest.raises(CompileError, match="layer 'layer_3': its input has no quantiser"):
        build(tmp_path, *layers, entry("Multiply", 1, 2), grid(grids, 3))
    made = build(tmp_path, *layers, grid(grids, 2), entry("Multiply", 1, 3), grid(grids, 4))
    x = made.quantize(np.linspace(-8, 8, 100).reshape(-1, 2))
    ideal = interpreter.run(made.graphs["float"], numerics.dequantize(x, made.graph.inputs[0].format))
    y = made.run(x, "host", raw=True)
    np.testing.assert_array_equal(numerics.dequantize(y, made.graph.outputs[0].format), ideal)


def test_verilog_refuses_a_product_of_values_by_name(tmp_path):
    with pytest.raises(CompileError, match=r"layer 'layer_2': .* has no form in Verilog"):
        build(tmp_path, dense(np.eye(2), 0), entry("Multiply", 0, 1), target="fpga")
