"""Models applied to each step: what becomes of their keys, what is refused and by which name, and what streams."""

from dataclasses import replace

import format_nets
import numpy as np
import pytest

from compiler import inspect, keras_file, passes
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.lowering import lower
from compiler.passes.stream import stream
from compiler.verification import error


@pytest.fixture(scope="module")
def k():
    import keras

    return keras


def holding(k, *layers, shape=(4, 6, 3), name="each"):
    """A model that applies layers to each step."""
    i = k.Input(shape[1:], name="element")
    x = i
    for layer in layers:
        x = layer(x)
    held = k.Model(i, x, name="held")
    i = k.Input(shape, name="in")
    return format_nets.fill(k.Model(i, k.layers.TimeDistributed(held, name=name)(i), name="holding"))


def changed(spec, **keys):
    """The specification with keys of its TimeDistributed changed, or of the model within by 'held'."""
    (wrapper,) = (layer for layer in spec.layers if layer.wrapped)
    model = wrapper.wrapped.model
    within = replace(model, config={**model.config, **keys.pop("held", {})})
    new = replace(wrapper, config={**wrapper.config, **keys}, wrapped=replace(wrapper.wrapped, model=within))
    return replace(spec, layers=tuple(new if layer is wrapper else layer for layer in spec.layers))


def test_every_key_counts(k):
    spec = keras_file.from_model(holding(k, k.layers.Dense(2, name="d")))
    assert str(lower(changed(spec, trainable=False, held={"trainable": False}), "net")) == str(lower(spec, "net"))
    with pytest.raises(CompileError, match=r"layer 'each': tempo=3: this key of TimeDistributed"):
        lower(changed(spec, tempo=3), "net")
    with pytest.raises(CompileError, match=r"layer 'each': dtype='int8'"):
        lower(changed(spec, dtype="int8"), "net")
    with pytest.raises(CompileError, match=r"layer 'each/held': tempo=3: this key of a model"):
        lower(changed(spec, held={"tempo": 3}), "net")


def test_what_is_refused_within_has_its_path(k):
    late = k.layers.Lambda(lambda x: x * 2, name="code")
    with pytest.raises(CompileError, match="layer 'each/held/code': a Lambda layer is code"):
        lower(keras_file.from_model(holding(k, late)), "net")
    unknown = k.layers.Discretization(bin_boundaries=[0.0, 1.0], output_mode="int", name="bins")
    with pytest.raises(CompileError, match="layer 'each/held/bins': a layer of class 'Discretization'"):
        lower(keras_file.from_model(holding(k, unknown)), "net")


def test_several_outputs_and_several_inputs_are_refused(k):
    spec = keras_file.from_model(holding(k, k.layers.Dense(2, name="d")))
    (wrapper,) = (layer for layer in spec.layers if layer.wrapped)

    def with_model(**keys):
        new = replace(wrapper, wrapped=replace(wrapper.wrapped, model=replace(wrapper.wrapped.model, **keys)))
        return replace(spec, layers=tuple(new if layer is wrapper else layer for layer in spec.layers))

    model = wrapper.wrapped.model
    with pytest.raises(CompileError, match="layer 'each': a Functional that gives several values within"):
        lower(with_model(outputs=model.outputs * 2), "net")
    with pytest.raises(CompileError, match="layer 'each/held': is called on 1 values; it has 2 inputs"):
        lower(with_model(inputs=model.inputs * 2), "net")


def test_a_vector_has_no_steps(k):
    spec = keras_file.from_model(holding(k, k.layers.Dense(2, name="d")))
    flat = tuple(
        replace(layer, config={**layer.config, "batch_shape": [None, 4]}) if layer.name == "in" else layer
        for layer in spec.layers
    )
    with pytest.raises(CompileError, match="layer 'each': its input has no axes behind time"):
        lower(replace(spec, layers=flat), "net")


def test_steps_of_another_rank_are_refused(k):
    """Keras would give them an axis, or take one away."""
    i = k.Input((4, 1), name="element")
    held = k.Model(i, k.layers.Softmax(name="s")(i), name="held")
    i = k.Input((3, 4), name="in")
    for y in (k.layers.TimeDistributed(held, name="each")(i), held(k.layers.Flatten()(i)[:, :4])):
        with pytest.raises(
            CompileError, match=r"held': is called on a value of shape \(4,\); its input is \[None, 4, 1\]"
        ):
            lower(keras_file.from_model(k.Model(i, y)), "net")


def test_a_layer_and_its_model_are_called_twice(k, tmp_path):
    i = k.Input((6, 3), name="element")
    d = k.layers.Dense(3, name="d")
    held = k.Model(i, k.layers.Add(name="add")([d(i), d(d(i))]), name="held")
    each = k.layers.TimeDistributed(held, name="each")
    i = k.Input((4, 6, 3), name="in")
    model = format_nets.fill(k.Model(i, each(each(i)), name="twice"))
    x = format_nets.inputs(model)
    for kind in ("h5", "keras"):
        model.save(tmp_path / f"m.{kind}")
        graph = lower(keras_file.read(tmp_path / f"m.{kind}"), "net")
        assert error(interpreter.evaluate(graph, x)[graph.outputs[0].name], format_nets.predict(model, x)[0]) < 1e-5


def test_a_model_that_two_layers_hold(k, tmp_path):
    i = k.Input((3,), name="element")
    held = k.Model(i, k.layers.Dense(3, name="d")(i), name="held")
    i = k.Input((4, 3), name="in")
    x = k.layers.TimeDistributed(held, name="one")(i)
    model = format_nets.fill(k.Model(i, k.layers.TimeDistributed(held, name="two")(x), name="sharing"))
    x = format_nets.inputs(model)
    model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.keras")
    for spec in (keras_file.read(tmp_path / "m.h5"), keras_file.from_model(model)):
        graph = lower(spec, "net")
        assert error(interpreter.evaluate(graph, x)[graph.outputs[0].name], format_nets.predict(model, x)[0]) < 1e-5
    # Keras writes its weights once.
    with pytest.raises(CompileError, match=r"d': the file holds 0 weights"):
        lower(keras_file.read(tmp_path / "m.keras"), "net")


def test_it_streams_as_its_layers_do(k):
    dense, norm = k.layers.Dense(5, activation="relu", name="d"), k.layers.BatchNormalization(name="n")
    model = holding(k, dense, norm, shape=(None, 3))
    i = k.Input((None, 3), name="audio")
    # Behind a warm-up too: it has no past.
    late = k.Model(i, model.get_layer("each")(k.layers.Conv1D(3, 3, name="c")(i)))
    for each, warm_up in ((model, 0), (format_nets.fill(late), 2)):
        graph = stream(lower(keras_file.from_model(each), "net"))
        x = np.random.default_rng(0).uniform(-1, 1, (40, 3))
        y = interpreter.evaluate(graph, [x])[graph.outputs[0].name]
        assert graph.warm_up == warm_up
        assert error(y[warm_up:], each(np.float32(x[None]))[0]) < 1e-5
    fixed = passes.run(lower(keras_file.from_model(model), "net"), passes.simplify())
    assert passes.run(fixed, passes.finish_fixed(passes.FixedOptions())).outputs[0].format


@pytest.mark.parametrize(
    ("layer", "kind"),
    [(("Conv1D", 2, 3), "convolution"), (("GRU", 2), "recurrence")],
    ids=["convolution", "recurrence"],
)
def test_what_does_not_stream_within_says_so(layer, kind, k):
    name, *arguments = layer
    model = holding(k, getattr(k.layers, name)(*arguments, name="within"), shape=(None, 6, 3))
    with pytest.raises(
        CompileError, match=f"layer 'each/held/within': does not stream: it is a {kind}, within each step of"
    ):
        stream(lower(keras_file.from_model(model), "net"))


def test_inspection_shows_the_layers_within(k):
    page = inspect.describe(keras_file.from_model(holding(k, k.layers.Conv1D(2, 3, name="c"))))
    assert "each/held/c " in page and "20 parameters" in page
    bad = inspect.describe(keras_file.from_model(holding(k, k.layers.Lambda(lambda x: x * 2, name="code"))))
    assert "does not compile: layer 'each/held/code'" in bad
