"""Weights that Keras has made integers of, in both kinds of files, in every mode that it offers."""

import keras
import numpy as np
import pytest
from keras.quantizers import AbsMaxQuantizer, Int4QuantizationConfig, Int8QuantizationConfig, pack_int4

import compiler
from compiler import keras_file
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.ops import MatMul, Quantize
from compiler.keras_file import LayerSpec
from compiler.lowering import lower
from compiler.lowering.builder import Builder
from compiler.lowering.integer_weights import unpacked
from compiler.lowering.layer import Layer
from compiler.verification import error

# Keras says which layers it leaves as they are.
pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")

MODES = {
    "int8": {"mode": "int8"},
    "int8 weights": {"config": Int8QuantizationConfig(activation_quantizer=None)},
    "int4 groups of 128": {"mode": "int4"},
    "int4 groups of 4": {"config": Int4QuantizationConfig(block_size=4)},
    "int4": {"config": Int4QuantizationConfig(block_size=None)},
    "int4 inputs": {"config": Int4QuantizationConfig(block_size=None, activation_quantizer=AbsMaxQuantizer(axis=-1))},
}
ROUNDED = {"int8", "int4 inputs"}


def network(bias=True):
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((6, 9))
    x = keras.layers.Dense(7, activation="tanh", use_bias=bias, bias_initializer="normal", name="first")(x)
    axes = "d" if bias else None
    x = keras.layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes=axes, bias_initializer="normal", name="second")(x)
    return keras.Model(inputs, x)


def saved(model, path):
    model.save(path)
    return lower(keras_file.read(path), "net")


def agree(graph, model, x):
    (output,) = graph.outputs
    return error(interpreter.evaluate(graph, [x])[output.name], np.asarray(model(x))) <= 1e-5


@pytest.mark.parametrize("mode", MODES)
def test_equals_keras(mode, tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 6, 9)).astype(np.float32)
    x[3, 2] = 0  # a step of silence has no scale
    for bias, suffix in ((True, "keras"), (True, "h5"), (False, "h5")):
        model = network(bias)
        real = np.asarray(model(x))
        model.quantize(**MODES[mode])
        graph = saved(model, tmp_path / f"model.{suffix}")
        assert agree(graph, model, x)
        assert sum(isinstance(op, Quantize) for op in graph.ops) == (2 if mode in ROUNDED else 0)
        # The test could not fail if what Keras rounds were too fine to be seen.
        assert error(np.asarray(model(x)), real) > 1e-3


@pytest.mark.parametrize("mode", ["int8", "int4 groups of 128", "int4 groups of 4", "int4"])
def test_an_embedding_equals_keras(mode, tmp_path):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Embedding(10, 7, name="rows")(inputs))
    model.quantize(**MODES[mode])
    tokens = np.random.default_rng(0).integers(0, 10, (4, 5)).astype(np.float32)
    for suffix in ("keras", "h5"):
        assert agree(saved(model, tmp_path / f"model.{suffix}"), model, tokens)


def test_a_rounded_input_makes_exact_sums(tmp_path):
    model = network()
    model.quantize("int8")
    graph = saved(model, tmp_path / "model.keras")
    values = interpreter.evaluate(graph, [np.random.default_rng(0).normal(size=(2, 6, 9))])
    rounded = [values[op.output.name] for op in graph.ops if isinstance(op, Quantize)]
    assert all(np.array_equal(x, np.rint(x)) and np.abs(x).max() == 127 for x in rounded)


def test_bytes_are_unpacked_as_keras_packs_them():
    numbers = np.random.default_rng(0).integers(-8, 8, (5, 6)).astype(np.int8)
    packed = np.asarray(pack_int4(numbers, axis=-1)[0])
    assert np.array_equal(unpacked(packed.astype(np.int64)), numbers)
    assert not np.array_equal(unpacked(packed.astype(np.int64))[:, ::-1], numbers)


def dense(mode, arrays, **config):
    """A Dense of 4 inputs and 2 units from a file that may be damaged."""
    policy = {"class_name": "QuantizedDTypePolicy", "config": {"mode": mode, "source_name": "float32"}}
    config = {"units": 2, "activation": "linear", "use_bias": False, "dtype": policy, **config}
    builder = Builder()
    layer = Layer(LayerSpec("damaged", "Dense", config, (), tuple(arrays)), builder)
    from compiler.ir.values import Value
    from compiler.lowering.dense import dense as lowered

    value = lowered(layer, Value("x", (4,), "x"))
    layer.finish()
    return value, layer


WHOLE = np.array([[1, -2], [3, 4], [-128, 127], [0, 5]], np.int8)
PACKED = np.array([[1], [2], [3], [4]], np.int8)
SCALE = np.array([10.0, 20.0], np.float32)
GROUPED = [PACKED, np.ones((2, 2), np.float32), np.zeros((2, 2), np.int8), np.array([0, 0, 1, 1], np.float32)]


def test_older_files_without_a_configuration_round_their_input():
    _, layer = dense("int8", [WHOLE, SCALE])
    (product,) = [op for op in layer.ops if isinstance(op, MatMul)]
    assert np.allclose(product.weights, WHOLE / SCALE) and any(isinstance(op, Quantize) for op in layer.ops)


@pytest.mark.parametrize(
    ("mode", "arrays", "config", "message"),
    [
        ("float8", [WHOLE, SCALE], {}, "weights in float8 are not supported"),
        ("gptq/4/128", [WHOLE, SCALE], {}, "weights in gptq"),
        ("int8", [WHOLE], {}, "holds 1 weights for it, not 2"),
        ("int8", [WHOLE + 0.5, SCALE], {}, "no integers of 8 bits"),
        ("int8", [WHOLE, SCALE * 0], {}, "holds a zero"),
        ("int8", [WHOLE[:3], SCALE], {}, "'kernel' has the shape"),
        ("int4/0", GROUPED, {}, "does not say how many"),
        ("int4/2", [*GROUPED[:3], np.array([0, 0, 1, 2])], {}, "groups that are not there"),
        ("int4/2", [*GROUPED[:3], np.array([0, 0, 1, np.nan])], {}, "NaN"),
    ],
)
def test_what_cannot_be_read_is_refused(mode, arrays, config, message):
    with pytest.raises(CompileError, match=message) as caught:
        dense(mode, arrays, **config)
    assert caught.value.layer == "damaged"


@pytest.mark.parametrize("wrong", [{"value_range": [-7, 7]}, {"epsilon": 0.0}, {"axis": 0}])
def test_another_quantiser_of_inputs_is_refused(wrong):
    inner = {"value_range": [-127, 127], "epsilon": 1e-7, "output_dtype": "int8"} | wrong
    config = {"activation_quantizer": {"class_name": "AbsMaxQuantizer", "config": inner}}
    with pytest.raises(CompileError, match="of activations is not supported"):
        dense("int8", [WHOLE, SCALE], quantization_config={"class_name": "Int8QuantizationConfig", "config": config})


def test_a_layer_that_knows_no_integers_is_refused():
    policy = {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}}
    layer = Layer(LayerSpec("odd", "Flatten", {"dtype": policy}, (), ()), Builder())
    with pytest.raises(CompileError, match="a Flatten with weights in int8"):
        layer.finish()


def test_a_rounded_stream_runs_in_c(tmp_path):
    keras.utils.set_random_seed(2)
    layers = [keras.layers.Conv1D(6, 3, padding="causal", activation="tanh"), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((None, 1)), *layers])
    model.quantize("int8")
    build = compiler.compile(model, target="mcu", out=tmp_path / "build")
    x = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float32)
    assert build.streams
    for place in ("reference", "host"):
        # A sum that another order of terms brings across a tie moves the rounded input by one of 127 steps.
        assert error(build.run(x, on=place), np.asarray(model(x[None]))[0]) <= 1e-5


def test_fixed_point_names_what_it_lacks(tmp_path):
    model = network()
    model.quantize("int8")
    with pytest.raises(CompileError) as caught:
        compiler.compile(model, target="fpga", out=tmp_path / "build")
    assert caught.value.layer == "first" and not (tmp_path / "build").exists()
