"""Every configuration key that Keras writes is honoured or refused by name: there is no third outcome.

The keys come from get_config(), so a key of a newer Keras fails here until somebody has thought of it.
"""

from dataclasses import replace

import numpy as np
import pytest
from case_tools import Make, library, make
from layer_cases import CASES
from models import randomize

from compiler import keras_file
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.lowering import TABLE, lower, noop
from compiler.passes import verify
from compiler.verification import error

pytestmark = [
    pytest.mark.filterwarnings("ignore:The initializer .* is unseeded:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*_range is deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`:UserWarning"),
]

# Keys that cannot change what a trained layer computes: changed in the file, they leave the graph as it is.
OF_TRAINING = ("_initializer", "_regularizer", "_constraint", "_range")

# TensorFlow computes these on GPUs alone; test_layers.py holds them to what they stand for.
NOT_ON_CPUS = {("Conv1DTranspose", "dilation_rate"), ("Conv2DTranspose", "dilation_rate")}


class Either(tuple):
    """Two values, of which the one that is not there already is meant."""

    __slots__ = ()


# A value other than the one in the table of cases, and for some classes another.
VALUES = {
    "activation": Either(("tanh", "softsign")),
    "all_ops": False,
    "alpha": 0.4,
    "axes": 1,
    "axis": 1,
    "backward_layer": make("GRU", 4, go_backwards=True, reset_after=False),
    "batch_input_shape": (3, None, 3),
    "bias_axes": "d",
    "cell": make("LSTMCell", 3),
    "center": False,
    "chain_depth": 5,
    "cropping": (1, 0),
    "data_format": "channels_first",
    "depth_multiplier": 3,
    "dilation_rate": 2,
    "dims": (1, 2),
    "dropout": 0.5,
    "epsilon": 0.2,
    "equation": "abc,dc->abd",
    "factor": 0.3,
    "fill_mode": "constant",
    "fill_value": 0.5,
    "filters": 6,
    "go_backwards": True,
    "groups": Either((1, 3)),
    "height_factor": 0.2,
    "implementation": 1,
    "input_dim": 11,
    "input_length": 1,
    "interpolation": Either(("bilinear", "nearest")),
    "invert": True,
    "keepdims": True,
    "kernel_size": 2,
    "l1": 0.3,
    "l2": 0.3,
    "layer": make("Dense", 2),
    "mask_value": 0.25,
    "mask_zero": True,
    "max_value": 0.5,
    "mean": 0.1,
    "merge_mode": "sum",
    "mode": "horizontal",
    "momentum": 0.5,
    "n": 2,
    "name": "another",
    "negative_slope": 0.2,
    "noise_shape": (None, 1, 3),
    "normalize": True,
    "num_chains": 2,
    "num_ops": 3,
    "offset": 0.5,
    "output_dim": 4,
    "output_padding": 0,
    "output_shape": (None, 5),
    "padding": "same",
    "pool_size": 3,
    "power_iterations": 3,
    "quantization_config": {"class_name": "Int8QuantizationConfig", "module": "keras.quantizers", "config": {}},
    "rate": 0.2,
    "recurrent_activation": "hard_sigmoid",
    "recurrent_dropout": 0.5,
    "renorm": True,
    "renorm_clipping": {"rmax": 2.0},
    "renorm_momentum": 0.5,
    "reset_after": False,
    "return_sequences": False,
    "return_state": True,
    "rms_scaling": True,
    "scale": False,
    "rng_type": "legacy_stateful",
    "score_mode": "concat",
    "seed": 5,
    "shared_axes": [1, 2],
    "sigma": 0.5,
    "size": 3,
    "stateful": True,
    "stddev": 0.3,
    "strides": 2,
    "synchronized": True,
    "target_shape": (12, 3),
    "theta": 0.3,
    "threshold": 0.4,
    "time_major": True,
    "trainable": False,
    "unit_forget_bias": False,
    "units": 5,
    "unroll": True,
    "use_bias": False,
    "use_scale": True,
    "value_range": (0, 1),
    "variance": 3.0,
    "width_factor": 0.2,
    "zero_output_for_mask": True,
    **{f"{name}_factor": 0.3 for name in ("brightness", "contrast", "saturation", "hue", "x", "y")},
    **{f"{name}_quantizer": "quantized_bits(6,1,alpha=1)" for name in ("kernel", "bias", "depthwise", "pointwise")},
    **{f"{name}_quantizer": "quantized_bits(8,2,alpha=1)" for name in ("beta", "gamma", "mean", "variance")},
}
VALUES_OF = {
    "QActivation": {"activation": "quantized_bits(5,1)"},
    "QBatchNormalization": {"axis": 2},
    "BatchNormalization": {"axis": 2},
    "Dot": {"axes": (1, 1)},
    "RMSNormalization": {"axis": 2},
    "RandomErasing": {"scale": (0.1, 0.2)},
    "RandomElasticTransform": {"scale": 0.2},
    "RandomPerspective": {"scale": 0.2},
    "Rescaling": {"scale": 0.5},
    "ZeroPadding1D": {"padding": (0, 1)},
    "ZeroPadding2D": {"padding": ((0, 1), (2, 0))},
    "Cropping2D": {"cropping": ((0, 1), (2, 0))},
    "Bidirectional": {"layer": make("LSTM", 3)},
    "SpectralNormalization": {"layer": make("Dense", 3)},
    "TimeDistributed": {"layer": make("ReLU")},
    "RandomPosterization": {"factor": 3},
}


def base(class_name):
    """The first case of the table about a class."""
    return next(case for case in CASES if case.class_name == class_name)


def layer_of(case):
    return case.layer(library(case.library)[1])


def changed_model(case, key, value):
    """A Keras model with another value of the key; None where Keras itself takes exception to it."""
    models, _ = library(case.library)
    inputs = [models.Input(shape) for shape in case.shapes]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    layer = layer_of(case)
    try:
        changed = type(layer).from_config({**layer.get_config(), key: value})
        model = randomize(models.Model(inputs, changed(inputs)))
        return model, keras_outputs(model, case.inputs())
    except Exception:  # whatever Keras and TensorFlow raise: it is theirs
        return None


def keras_outputs(model, inputs):
    y = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(part) for part in (y if isinstance(y, list | tuple) else [y])]


def serialized(case, value):
    """Layers as the file holds them."""
    if not isinstance(value, Make):
        return value
    models, namespace = library(case.library)
    return models.saving.serialize_keras_object(value(namespace))


def another_value(case, key):
    """Of a key of the case's layer, as a file holds it."""
    value = VALUES_OF.get(case.class_name, {}).get(key, VALUES.get(key, KeyError))
    assert value is not KeyError, f"{case.class_name} has a key '{key}' that nobody has thought of"
    now = listed(layer_of(case).get_config()[key])
    values = [serialized(case, each) for each in (value if isinstance(value, Either) else [value])]
    others = [each for each in values if listed(each) != now]
    assert others, f"{key} is {now} already"
    return others[0]


def listed(value):
    """As JSON gives it back."""
    if isinstance(value, list | tuple):
        return [listed(part) for part in value]
    return {key: listed(part) for key, part in value.items()} if isinstance(value, dict) else value


class Patched:
    """The model of a case as its file has it, to be lowered with one key of its layer changed."""

    def __init__(self, case, folder):
        path = folder / f"base.{case.suffix}"
        case.model().save(path)
        self.spec = keras_file.read(path)
        self.graph = str(lower(self.spec, "net"))
        self.layer = next(layer for layer in self.spec.layers if layer.class_name == case.class_name)

    def lower(self, key, value):
        return str(self.graph_with(key, value))

    def graph_with(self, key, value):
        changed = replace(self.layer, config={**self.layer.config, key: listed(value)})
        layers = tuple(changed if each is self.layer else each for each in self.spec.layers)
        return lower(replace(self.spec, layers=layers), "net")

    def refuses(self, key, value):
        """Whether it is a CompileError that names the key and the layer."""
        with pytest.raises(CompileError) as caught:
            self.lower(key, value)
        return key in str(caught.value) and caught.value.layer == self.layer.name


def check(case, key, patched, folder):
    """One key: the output matches, or the error names it."""
    if key.endswith(OF_TRAINING):
        assert patched.lower(key, "l2") == patched.graph
        return
    if key == "dtype":
        assert patched.lower(key, "float64") == patched.graph
        assert patched.refuses(key, "int8")
        return
    if key == "stateful":  # which Keras takes for batches of known size alone; test_states.py holds it to that
        assert patched.lower(key, True).replace(", stateful=True", "") == patched.graph
        return
    value = another_value(case, key)
    made = changed_model(case, key, value)
    if made is None and (case.class_name in noop.KEYS or (case.class_name, key) in NOT_ON_CPUS):
        assert patched.lower(key, value) == patched.graph or case.class_name not in noop.KEYS
        return
    if made is None:
        assert patched.refuses(key, value)
        return
    model, wanted = made
    path = folder / f"{key}.{case.suffix}"
    model.save(path)
    try:
        graph = lower(keras_file.read(path), "net")
    except CompileError as refusal:
        assert key in str(refusal)
        assert refusal.layer
        return
    values = interpreter.evaluate(graph, case.inputs())
    for output, k in zip(graph.outputs, wanted, strict=True):
        assert error(values[output.name], k) <= 1e-5


@pytest.mark.parametrize("class_name", sorted(TABLE))
def test_every_key_is_honoured_or_refused(class_name, tmp_path):
    case = base(class_name)
    patched = Patched(case, tmp_path)
    wrong = []
    for key in layer_of(case).get_config():
        try:
            check(case, key, patched, tmp_path)
        except AssertionError as failure:
            wrong.append(f"{key}: {str(failure).splitlines()[0]}")
        except CompileError as failure:
            wrong.append(f"{key}: {failure}")
        except pytest.fail.Exception as failure:
            wrong.append(f"{key}: {failure}")
    assert not wrong


NONSENSE = (
    *(None, -1, 0, 1, 10**9, 1e30, -0.5, True, "x", "same", [], [2], [1, 2, 3], [[1, 2], [3, 4]], ["a", 1], [None], {}),
    *(
        {"class_name": "x", "config": {}},
        {"class_name": "GRU", "config": []},
        "quantized_bits(4,alpha=[1,2])",
        "a,b->c",
    ),
)


@pytest.mark.parametrize("class_name", sorted(TABLE))
def test_nonsense_is_lowered_to_a_graph_or_refused(class_name, tmp_path):
    """Whatever stands in the file, nothing but a CompileError comes of it; or a graph that is one."""
    case = base(class_name)
    patched = Patched(case, tmp_path)
    keys = [key for key in patched.layer.config if not key.endswith(OF_TRAINING)]
    refused = 0
    for key in keys:
        for value in NONSENSE:
            try:
                verify(patched.graph_with(key, value), "lowered")
            except CompileError:
                refused += 1
    assert refused or class_name in noop.KEYS


@pytest.mark.parametrize("class_name", sorted(TABLE))
def test_every_key_that_only_keras_2_writes(class_name, tmp_path):
    case, old = base(class_name), library("tf_keras")[1]
    if case.library != "keras" or not hasattr(old, class_name):
        return
    known = layer_of(case).get_config()
    case = replace(case, library="tf_keras")
    try:
        keys = layer_of(case).get_config().keys() - known.keys()
    except (TypeError, ValueError):  # Keras 2 has no such argument
        return
    if not keys:
        return
    patched = Patched(case, tmp_path)
    for key in sorted(keys):
        check(case, key, patched, tmp_path)


@pytest.mark.parametrize("library_name", ["keras", "tf_keras"])
def test_booleans_are_read_as_keras_reads_them(library_name, tmp_path):
    """Of every class: 1 and 1.0 are true, 0, 0.0 and None are false, whatever the key."""
    wrong, seen = [], set()
    for class_name in sorted(TABLE):
        case = base(class_name)
        case = case if case.library == library_name else replace(case, library=library_name)
        try:
            config = layer_of(case).get_config()
        except (AttributeError, TypeError, ValueError):  # this Keras has no such layer, or not this argument
            continue
        booleans = [key for key, value in config.items() if isinstance(value, bool) and key != "trainable"]
        if not booleans or class_name in noop.KEYS:
            continue
        folder = tmp_path / class_name
        folder.mkdir()
        patched = Patched(case, folder)
        for key in booleans:
            seen.add(key)
            for value, others in ((True, (1, 1.0, 2)), (False, (0, 0.0, None))):
                wanted = outcome(patched, key, value)
                wrong += [f"{class_name}.{key}={other}" for other in others if outcome(patched, key, other) != wanted]
    assert not wrong
    assert {"use_bias", "scale", "return_sequences", "mask_zero", "keepdims", "stateful"} <= seen


def outcome(patched, key, value):
    """The graph, or the kind of refusal."""
    try:
        return patched.lower(key, value)
    except CompileError as refusal:
        return "refused", refusal.layer, key in str(refusal) or str(refusal)
