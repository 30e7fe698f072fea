"""One network in every format, by Keras 3 and by tf_keras: one graph, and what Keras computes."""

import json
import re

import format_nets
import numpy as np
import pytest

from compiler import keras_file
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.lowering import lower
from compiler.verification import error


@pytest.fixture(scope="module")
def libraries():
    import keras
    import tf_keras

    return {"keras": keras, "tf_keras": tf_keras}


def run(graph, x):
    values = interpreter.evaluate(graph, x)
    return [values[value.name] for value in graph.outputs]


def with_plain_inputs(graph):
    """The graph as text. Keras 3 makes up names for inputs that nobody named."""
    text = str(graph)
    for i, value in enumerate(graph.inputs):
        text = re.sub(rf"\b{value.name}\b", f"input_{i}", text)
    return text


@pytest.mark.parametrize("net", format_nets.NETS, ids=lambda net: net.__name__)
def test_every_format_gives_one_graph_that_equals_keras(net, libraries, tmp_path):
    texts, results = {}, {}
    for library, k in libraries.items():
        model = format_nets.fill(net(k))
        x = format_nets.inputs(model)
        wanted = format_nets.predict(model, x)
        sources = format_nets.write(model, tmp_path, library)
        specs = {kind: keras_file.read(*files) for kind, files in sources.items()}
        specs["live"] = keras_file.from_model(model)
        for kind, spec in specs.items():
            graph = lower(spec, "net")
            texts[library, kind] = with_plain_inputs(graph)
            results[library, kind] = run(graph, x)
            assert len(wanted) == len(graph.outputs)
            for got, y in zip(results[library, kind], wanted, strict=True):
                assert got.shape == y.shape, (library, kind)
                assert error(got, y) < 1e-5, (library, kind)
    assert len(texts) == 11
    assert len(set(texts.values())) == 1, texts
    first, *others = results.values()
    for other in others:
        for a, b in zip(first, other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_operators_equal_keras_in_every_format(library, libraries, tmp_path):
    net = format_nets.keras_operators if library == "keras" else format_nets.tensorflow_operators
    model = net(libraries[library])
    x = format_nets.inputs(model)
    wanted = format_nets.predict(model, x)
    specs = {kind: keras_file.read(*files) for kind, files in format_nets.write(model, tmp_path, library).items()}
    specs["live"] = keras_file.from_model(model)
    graphs = {kind: lower(spec, "net") for kind, spec in specs.items()}
    assert len({str(graph) for graph in graphs.values()}) == 1
    got = run(graphs["h5"], x)
    assert len(wanted) == len(got) == 25
    for number, (a, b) in enumerate(zip(got, wanted, strict=True)):
        assert a.shape == b.shape, number
        assert error(a, b) < 1e-5, number


def test_operators_of_both_libraries_compute_the_same(libraries):
    nets = (("keras", format_nets.keras_operators), ("tf_keras", format_nets.tensorflow_operators))
    models = [net(libraries[library]) for library, net in nets]
    x = format_nets.inputs(models[0])
    first, second = (run(lower(keras_file.from_model(model), "net"), x) for model in models)
    for number, (a, b) in enumerate(zip(first, second, strict=True)):
        assert np.allclose(a, b, rtol=1e-6, atol=1e-6), number


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_weights_of_every_precision(library, policy, libraries, tmp_path):
    k = libraries[library]
    i = k.Input((4,), name="in")
    policy_of = k.DTypePolicy if library == "keras" else k.mixed_precision.Policy
    x = k.layers.Dense(5, name="d", dtype=policy_of(policy))(i)
    model = k.Model(i, x, name="precise")
    rng = np.random.default_rng(0)
    # Three bits of mantissa: exact in every precision.
    values = [rng.integers(-7, 8, w.shape) / 8 for w in model.layers[1].get_weights()]
    model.layers[1].set_weights(values)
    model.save(tmp_path / "m.keras")
    sources = [keras_file.read(tmp_path / "m.keras"), keras_file.from_model(model)]
    if policy != "bfloat16" or library == "keras":  # tf_keras cannot write a bfloat16 into an .h5
        model.save(tmp_path / "m.h5")
        sources.append(keras_file.read(tmp_path / "m.h5"))
    for spec in sources:
        for got, wanted in zip(spec.layers[1].weights, values, strict=True):
            assert np.array_equal(got.astype(np.float64), wanted)
        x = rng.uniform(-1, 1, (2, 4))
        graph = lower(spec, "net")
        assert np.allclose(run(graph, [x])[0], x @ values[0] + values[1])
        assert [note for note in graph.notes if f"computes in {policy} and the build does not" in note]


def test_a_quantised_policy_is_refused_by_name(libraries, tmp_path):
    k = libraries["keras"]
    i = k.Input((4,), name="in")
    model = k.Model(i, k.layers.Dense(5, name="d", dtype="float8_from_float32")(i))
    model.save(tmp_path / "m.keras")
    with pytest.raises(CompileError, match=r"layer 'd': dtype: weights in float8"):
        lower(keras_file.read(tmp_path / "m.keras"), "net")


def test_a_subclass_that_keeps_a_functional_graph(libraries, tmp_path):
    k = libraries["keras"]

    @k.saving.register_keras_serializable("ours")
    class Trained(k.Model):
        def train_step(self, data):
            raise NotImplementedError

    i = k.Input((4, 3), name="in")
    inner = Trained(i, k.layers.Dense(3, name="a")(i), name="inner")
    i = k.Input((4, 3), name="in_2")
    model = Trained(i, k.layers.Dense(2, name="b")(inner(i)), name="outer")
    x = format_nets.inputs(model)
    for kind in ("h5", "keras"):
        model.save(tmp_path / f"m.{kind}")
        got = run(lower(keras_file.read(tmp_path / f"m.{kind}"), "net"), x)
        assert error(got[0], format_nets.predict(model, x)[0]) < 1e-5


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_names_that_are_keywords_paths_or_long(library, libraries, tmp_path):
    k = libraries[library]
    # What TensorFlow makes scopes of is narrower.
    names = ["while", "module", "n" * 300]
    names += ["a.b/../../../x"] if library == "tf_keras" else ["größe_😀", "a b;c", "__class__", "*) '\\"]
    x = i = k.Input((None, 3), name="int")
    for name in names:
        x = k.layers.Dense(3, name=name)(x)
    model = format_nets.fill(k.Model(i, x, name="odd"))
    data = format_nets.inputs(model)
    for kind in ("h5", "keras"):
        model.save(tmp_path / f"odd.{kind}")
        graph = lower(keras_file.read(tmp_path / f"odd.{kind}"), "net")
        assert error(run(graph, data)[0], format_nets.predict(model, data)[0]) < 1e-5
        assert all(re.fullmatch("[a-z][a-z0-9_]*", op.output.name) for op in graph.ops)


def test_lists_of_names_too_long_for_one_attribute(libraries, tmp_path):
    k = libraries["keras"]
    x = i = k.Input((2,), name="in")
    for number in range(300):
        x = k.layers.Dense(2, name=f"{number:0250}")(x)
    model = format_nets.fill(k.Model(i, x, name="long"))
    model.save(tmp_path / "m.h5")
    assert [len(layer.weights) for layer in keras_file.read(tmp_path / "m.h5").layers] == [0] + [2] * 300


def test_arguments_by_name(libraries):
    k = libraries["keras"]
    i = k.Input((4, 3), name="in")
    x = k.layers.Dense(2, name="d")(inputs=i)
    quiet = k.layers.Dropout(0.5, name="drop")(x, training=False)
    graph = lower(keras_file.from_model(k.Model(i, quiet)), "net")
    assert [op.output.layer for op in graph.ops] == ["d"]
    # Keras 3 overrides it in predict(), Keras 2 does not.
    loud = k.Model(i, k.layers.Dropout(0.5, name="loud")(x, training=True))
    assert [op.output.layer for op in lower(keras_file.from_model(loud), "net").ops] == ["d"]
    old = libraries["tf_keras"]
    j = old.Input((4, 3), name="in")
    loud = old.Model(j, old.layers.Dropout(0.5, name="loud")(j, training=True))
    with pytest.raises(CompileError, match="layer 'loud': is called with training=True"):
        lower(keras_file.from_model(loud), "net")
    masked = k.layers.Softmax(name="soft")(i, mask=i > 0)
    with pytest.raises(CompileError, match="layer 'soft': is called with mask=a layer's output"):
        lower(keras_file.from_model(k.Model(i, masked)), "net")


def test_a_layer_that_a_model_and_the_one_within_share(libraries, tmp_path):
    k = libraries["keras"]
    shared = k.layers.Dense(3, name="shared")
    i = k.Input((4, 3), name="in")
    inner = k.Model(i, shared(i), name="inner")
    i = k.Input((4, 3), name="in_2")
    model = format_nets.fill(k.Model(i, shared(inner(i)), name="sharing"))
    x = format_nets.inputs(model)
    for kind in ("h5", "keras"):
        model.save(tmp_path / f"m.{kind}")
    for spec in (keras_file.read(tmp_path / "m.h5"), keras_file.from_model(model)):
        assert error(run(lower(spec, "net"), x)[0], format_nets.predict(model, x)[0]) < 1e-5
    # Keras writes its weights once, and cannot read that file itself.
    with pytest.raises(CompileError, match="layer 'shared': the file holds 0 weights"):
        lower(keras_file.read(tmp_path / "m.keras"), "net")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda k, x, y: x + k.ops.mean(y, axis=1), "different rank"),
        (lambda k, x, y: k.ops.mean(x), "axis=None goes over the batch"),
        (lambda k, x, y: k.ops.mean(x, axis=0), "axis=0 is no axis"),
        (lambda k, x, y: k.ops.argmax(x), "axis=None goes over the batch"),
        (lambda k, x, y: k.ops.argmax(x, axis=0), "axis=0 is no axis"),
        (lambda k, x, y: k.ops.logsumexp(x), "axis=None goes over the batch"),
        (lambda k, x, y: x[0], "picks from the batch"),
        (lambda k, x, y: k.ops.reshape(x, (-1, 2)), "do not fit the shape"),
        (lambda k, x, y: k.ops.cumsum(x, axis=1), "operator 'Cumsum' is not supported"),
        (lambda k, x, y: x**2.5, "exponent 2.5"),
        (lambda k, x, y: x + np.full((5, 1, 4, 3), 1.0, "float32"), "do not fit a value of rank 2"),
        (lambda k, x, y: k.ops.cast(x, "int32"), "dtype='int32'"),
        (lambda k, x, y: k.layers.Lambda(lambda z: z)(x), "Lambda layer is code"),
    ],
)
def test_what_an_operator_cannot_do_is_refused(build, message, libraries):
    k = libraries["keras"]
    x, y = k.Input((4, 3), name="x"), k.Input((4, 3), name="y")
    z = build(k, x, y)
    with pytest.raises(CompileError, match=message):
        lower(keras_file.from_model(k.Model([x, y], z)), "net")


def test_an_architecture_needs_its_weights(libraries, tmp_path):
    k = libraries["keras"]
    model = format_nets.sequential(k)
    (tmp_path / "m.json").write_text(model.to_json())
    with pytest.raises(CompileError, match="without weights"):
        keras_file.read(tmp_path / "m.json")
    (tmp_path / "w.h5").write_bytes(b"nothing")
    with pytest.raises(CompileError, match=r"w\.h5: no weights"):
        keras_file.read(tmp_path / "m.json", tmp_path / "w.h5")


def test_the_digest_of_a_live_model_is_that_of_its_weights_too(libraries):
    model = format_nets.fill(format_nets.sequential(libraries["keras"]))
    before = keras_file.from_model(model).sha256
    assert keras_file.from_model(model).sha256 == before
    model.layers[0].set_weights([w + 1 for w in model.layers[0].get_weights()])
    assert keras_file.from_model(model).sha256 != before


@pytest.mark.parametrize("thing", [3, "model.h5", None, json])
def test_what_is_no_model(thing):
    with pytest.raises(CompileError, match="no Keras model"):
        keras_file.from_model(thing)
