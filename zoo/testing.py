"""What every layer, loss, metric and model of the zoo must survive.

Four functions, one for each kind; a test calls one of them and adds what is particular to its subject. They raise
AssertionError, and the message says which promise was broken. A reference is numpy in float64, which is given the very
float32 numbers that Keras is given, and a value v may be off by `tolerance * max(1, |v|)`.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops, tree

Array = np.ndarray


def run_layer_test(
    layer_class: type[keras.layers.Layer],
    arguments: Mapping[str, Any],
    inputs: Array,
    *,
    output_shape: tuple[int, ...] | None = None,
    tolerance: float = 1e-6,
    mixed_precision: bool = True,
) -> keras.layers.Layer:
    """Config round trip, `.keras` file, shapes, mixed precision, and one compiled `fit`.

    Args:
        layer_class: the layer under test.
        arguments: what to construct it with; every one must come back in its config.
        inputs: a batch of input.
        output_shape: what the output's shape must be, batch included; by default only consistency is tested.
        tolerance: greatest difference between predictions before and after saving.
        mixed_precision: whether the layer is meant to compute in half precision.

    Returns:
        The layer, built, for further tests.
    """
    layer = layer_class(**arguments)
    _check_config(layer, arguments)

    eager = ops.convert_to_numpy(layer(inputs))
    symbolic = layer_class(**arguments)(keras.KerasTensor(inputs.shape, dtype=str(inputs.dtype)))
    computed = layer.compute_output_shape(inputs.shape)
    assert tuple(symbolic.shape) == eager.shape, f"symbolic shape {symbolic.shape}, but eager {eager.shape}"
    assert tuple(computed) == eager.shape, f"compute_output_shape says {computed}, but the output has {eager.shape}"
    if output_shape is not None:
        assert eager.shape == tuple(output_shape), f"output has shape {eager.shape}, not {output_shape}"

    waiting = keras.Input(batch_shape=(None, *inputs.shape[1:]), dtype=str(inputs.dtype))
    model = keras.Model(waiting, layer(waiting))
    before = model.predict(inputs, verbose=0)
    assert np.allclose(before, eager, atol=1e-5), "the layer computes something else inside a model's predict"
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        loaded = keras.saving.load_model(
            Path(folder) / "model.keras", custom_objects={layer_class.__name__: layer_class}
        )
    worst = np.abs(loaded.predict(inputs, verbose=0) - before).max()
    assert worst <= tolerance, f"predictions differ by {worst:.2g} after saving and loading"

    if mixed_precision:
        half = layer_class(**{**arguments, "dtype": "mixed_float16"})
        output = half(inputs)
        assert keras.backend.standardize_dtype(output.dtype) == "float16", f"mixed precision gives {output.dtype}"
        assert np.isfinite(ops.convert_to_numpy(output)).all(), "mixed precision gives infinities or NaN"
        assert all(v.dtype == "float32" for v in half.trainable_variables), "mixed precision must keep float32 weights"

    before_fit = [ops.convert_to_numpy(v) for v in layer.trainable_variables]
    trainer = keras.Model(waiting, keras.layers.Dense(1)(model.output))  # so that layers without weights can be fitted
    trainer.compile("sgd", "mse")
    history = trainer.fit(inputs, np.ones((*eager.shape[:-1], 1)), batch_size=len(inputs), verbose=0).history
    assert np.isfinite(history["loss"]).all(), "the loss is not finite"
    for variable, old in zip(layer.trainable_variables, before_fit, strict=True):
        assert np.isfinite(ops.convert_to_numpy(variable)).all(), f"{variable.path} is not finite after one step"
        assert not np.array_equal(ops.convert_to_numpy(variable), old), f"{variable.path} gets no gradient"
    return layer


def run_loss_test(
    loss_class: type[keras.losses.Loss],
    arguments: Mapping[str, Any],
    y_true: Array,
    y_pred: Array,
    reference: Callable[[Array, Array], Array],
    *,
    tolerance: float = 1e-6,
    gradient_tolerance: float | None = 1e-4,
) -> None:
    """Value and gradient equal an independent numpy version, under every reduction, with weights and inside a graph.

    Args:
        loss_class: the loss under test.
        arguments: what to construct it with; every one must come back in its config.
        y_true, y_pred: a batch of targets and outputs, at least three samples that are not all alike.
        reference: from `y_true` and `y_pred`, as float64 (labels stay integers), to the loss of each sample, (batch,).
        tolerance: how far a loss l may be off, times max(1, |l|).
        gradient_tolerance: how far the gradient g of the summed losses with respect to `y_pred` may be from central
            differences of the reference, times max(1, |g|); None for a loss that is not differentiable there.
    """
    assert len(y_true) >= 3, "with fewer than three samples, weights and means cannot be told apart"
    y_pred = np.asarray(y_pred, np.float32)
    true64, pred64 = _as_float64(y_true), _as_float64(y_pred)
    expected = reference(true64, pred64)
    _check_float64(expected)
    assert expected.shape == (len(y_true),), f"the reference must give one loss per sample, not {expected.shape}"
    assert np.ptp(expected) > 0, "all samples have the same loss, so that this tests nothing"

    def check(name: str, value: Any, wanted: Any) -> None:
        _check_close(name, ops.convert_to_numpy(value), np.asarray(wanted), tolerance)

    def made(reduction: str) -> keras.losses.Loss:
        return loss_class(**{**arguments, "reduction": reduction})

    weights = np.linspace(0.0, 2.0, len(y_true), dtype=np.float32)
    weighted = expected * weights
    check("no reduction", made("none")(y_true, y_pred), expected)
    check("sum", made("sum")(y_true, y_pred), expected.sum())
    check("mean", made("sum_over_batch_size")(y_true, y_pred), expected.mean())
    check("weighted, no reduction", made("none")(y_true, y_pred, sample_weight=weights), weighted)
    check("weighted mean", made("sum_over_batch_size")(y_true, y_pred, sample_weight=weights), weighted.mean())
    loss = made("none")
    again = _check_config(loss, arguments)
    check("rebuilt from its config", again(y_true, y_pred), expected)

    in_graph, gradient = _loss_and_gradient(loss, y_true, y_pred)
    check("in a graph whose batch has no fixed size", in_graph, expected)
    if gradient_tolerance is not None:
        assert gradient is not None, "no gradient reaches y_pred"
        slopes = _central_differences(lambda outputs: reference(true64, outputs).sum(), pred64)
        assert np.abs(slopes).max() > 0, "the loss is flat here, so that its gradient tests nothing"
        _check_close("gradient", gradient, slopes, gradient_tolerance)


def run_metric_test(
    metric_class: type[keras.metrics.Metric],
    arguments: Mapping[str, Any],
    y_true: Array,
    y_pred: Array,
    reference: Callable[..., float],
    *,
    tolerance: float = 1e-6,
    weighted: bool = True,
) -> None:
    """Streaming in uneven batches equals brute force on everything; weights, reset, config round trip.

    Args:
        metric_class: the metric under test.
        arguments: what to construct it with; every one must come back in its config.
        y_true, y_pred: at least six samples that are not all alike.
        reference: from `y_true` and `y_pred`, as float64 (labels stay integers), and the weight of each sample to the
            value; without the weights if not `weighted`.
        tolerance: how far a value v may be off, times max(1, |v|).
        weighted: whether the metric takes sample weights.
    """
    count = len(y_true)
    assert count >= 6, "with fewer than six samples, batches cannot be uneven"
    cuts = [slice(0, 1), slice(1, 4), slice(4, count)]
    weights = np.linspace(0.0, 2.0, count, dtype=np.float32)
    true64, pred64 = _as_float64(y_true), _as_float64(y_pred)

    def stream(metric: keras.metrics.Metric, weight: Array | None) -> float:
        for cut in cuts:
            metric.update_state(y_true[cut], y_pred[cut], **({} if weight is None else {"sample_weight": weight[cut]}))
        return float(metric.result())

    def check(name: str, value: float, wanted: float) -> None:
        _check_close(name, np.asarray(value), np.asarray(wanted), tolerance)

    plain = reference(true64, pred64, *([np.ones(count)] if weighted else []))
    _check_float64(plain)
    metric = metric_class(**arguments)
    empty = float(metric.result())
    assert np.isfinite(empty), f"without any samples the result is {empty}"
    assert abs(plain - empty) > 10 * tolerance, "these samples give what no samples give, so that this tests nothing"
    check("uneven batches", stream(metric, None), plain)
    metric.reset_state()
    check("after reset_state", float(metric.result()), empty)
    if weighted:
        wanted = reference(true64, pred64, weights.astype(np.float64))
        assert abs(plain - wanted) > 10 * tolerance, "weights make no difference here, so that this tests nothing"
        check("uneven weighted batches after reset_state", stream(metric, weights), wanted)
    else:
        check("uneven batches after reset_state", stream(metric, None), plain)
    check("rebuilt from its config", stream(_check_config(metric, arguments), None), plain)


def run_model_test(
    build: Callable[[], keras.Model],
    x: Any,
    y: Any = None,
    *,
    compile_arguments: Mapping[str, Any],
    functional: bool = False,
    batch_size: int | None = None,
    tolerance: float = 1e-6,
) -> keras.Model:
    """Config round trip, compiled `fit` and `evaluate`, early stopping and a `.keras` file, for a model's own class.

    Args:
        build: makes the model, built and not compiled.
        x, y: inputs and targets as `fit` takes them: arrays, a dict of arrays, or a `PyDataset` whose first batch is
            always the same. Without `y` the model trains itself on `x`.
        compile_arguments: what to compile with. One model is compiled, so these may be objects.
        functional: whether the model claims to be a graph of layers, and so must still be one after loading.
        batch_size: for arrays; by default two thirds of the samples, so that a smaller batch is left over.
        tolerance: how far a prediction p may be off after saving and loading, times max(1, |p|).

    Returns:
        The model as it was loaded, after one more epoch.
    """
    model = build()
    rebuilt = _check_config(model, {})
    if functional:
        _check_functional(model, model, "as it is built")
        _check_functional(model, rebuilt, "rebuilt from its config")
    if isinstance(x, keras.utils.PyDataset):
        inputs, size, held_out = x[0][0], None, x
    else:
        count = len(tree.flatten(x)[0])
        inputs, size, held_out = x, batch_size or -(-2 * count // 3), (x,) if y is None else (x, y)

    model.compile(**compile_arguments)
    before = [ops.convert_to_numpy(v) for v in model.trainable_variables]
    assert before, "the model has no weights to train before it has seen data: it must be built"
    names = list(model.evaluate(x, y, batch_size=size, return_dict=True, verbose=0))
    assert "loss" in names, f"evaluate reports {names}, and no loss, so that nothing can stop on val_loss"
    stop = keras.callbacks.EarlyStopping("val_loss", mode="min", min_delta=1e30)  # content with nothing: two epochs
    history = model.fit(x, y, batch_size=size, epochs=4, validation_data=held_out, callbacks=[stop], verbose=0).history
    fitted = [name for name in history if not name.startswith("val_")]
    assert sorted(fitted) == sorted(names), f"fit reports {fitted}, but evaluate {names}"
    for name, values in history.items():
        assert np.isfinite(values).all(), f"{name} is not finite: {values}"
    assert len(history["loss"]) == 2, f"EarlyStopping on val_loss let {len(history['loss'])} epochs pass instead of 2"
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert not np.array_equal(ops.convert_to_numpy(variable), old), f"{variable.path} gets no gradient"

    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        loaded = keras.saving.load_model(Path(folder) / "model.keras")
    assert type(loaded).__name__ == type(model).__name__, f"a {type(loaded).__name__} came back from the file"
    if functional:
        _check_functional(model, loaded, "after loading")
    outputs, again = (tree.flatten(one.predict(inputs, verbose=0)) for one in (model, loaded))
    for output, other in zip(outputs, again, strict=True):
        _check_close("predictions after saving and loading", other, output, tolerance)
    more = loaded.fit(x, y, batch_size=size, validation_data=held_out, verbose=0).history
    assert sorted(more) == sorted(history), f"after loading, fit reports {sorted(more)} instead of {sorted(history)}"
    return loaded


def _as_float64(array: Array) -> Array:
    """The same numbers in float64; integers are labels and stay what they are."""
    array = np.asarray(array)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _check_float64(value: Any) -> None:
    kind = np.asarray(value).dtype
    assert kind == np.float64, f"the reference must compute in float64, but gives {kind}"


def _check_close(name: str, value: Array, wanted: Array, tolerance: float) -> None:
    """|value - wanted| <= tolerance * max(1, |wanted|) everywhere; NaN is never close."""
    assert value.shape == wanted.shape, f"{name}: shape {value.shape}, not {wanted.shape}"
    if not value.size:
        return
    off = np.abs(value.astype(np.float64) - wanted) / np.maximum(1.0, np.abs(wanted))
    worst = np.unravel_index(np.argmax(off), off.shape)  # argmax takes NaN for the greatest
    place = f" at {tuple(map(int, worst))}" if worst else ""
    assert off[worst] <= tolerance, (
        f"{name}: {value[worst]}{place}, but it should be {wanted[worst]}: off by {off[worst]:.2g} > {tolerance:.2g}"
    )


def _loss_and_gradient(loss: keras.losses.Loss, y_true: Array, y_pred: Array) -> tuple[Array, Array | None]:
    """The losses of the samples and the gradient of their sum, out of a graph whose batch has no fixed size."""
    import tensorflow as tf

    free = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in (np.asarray(y_true), y_pred)]

    @tf.function(input_signature=free)
    def both(targets: tf.Tensor, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            losses = loss(targets, outputs)
        return losses, tape.gradient(losses, outputs)

    losses, gradient = both(y_true, y_pred)
    return losses.numpy(), None if gradient is None else tf.convert_to_tensor(gradient).numpy()


def _central_differences(function: Callable[[Array], float], at: Array, step: float = 1e-5) -> Array:
    """The gradient of a function at a point, from two values for each coordinate."""
    slopes = np.empty_like(at)
    for index in np.ndindex(*at.shape):
        values = []
        for way in (step, -step):
            moved = at.copy()
            moved[index] += way
            values.append(function(moved))
        slopes[index] = (values[0] - values[1]) / (2 * step)
    return slopes


def _check_functional(original: keras.Model, model: keras.Model, when: str) -> None:
    assert isinstance(model, keras.Function), f"{when}, the model is no longer a graph of layers"
    graphs = [[type(operation).__name__ for operation in one.operations] for one in (original, model)]
    assert graphs[0] == graphs[1], f"{when}, the graph has {graphs[1]} instead of {graphs[0]}"


def _check_config(subject: Any, arguments: Mapping[str, Any]) -> Any:
    """Round trip of the config through JSON; returns the rebuilt object."""
    kind = type(subject)
    registered = kind.__module__.startswith("keras.") or keras.saving.get_registered_name(kind) != kind.__name__
    assert registered, f"{kind.__name__} is not registered, so that files which hold it may not load"
    config = subject.get_config()
    try:
        text = json.dumps(config)
    except TypeError as error:
        raise AssertionError(f"the config is not made of JSON types: {error}") from error
    for name, value in arguments.items():
        assert name in config, f"get_config loses the argument {name!r}"
        if isinstance(value, bool | int | float | str | None):
            kept = config[name]  # of another type where a layer spells it out: a kernel size of 2 becomes (2,)
            assert kept == value or type(kept) is not type(value), f"get_config gives {name}={kept!r}, not {value!r}"
    rebuilt = kind.from_config(json.loads(text))
    assert json.dumps(rebuilt.get_config()) == text, "the config changes when an object is rebuilt from it"
    return rebuilt
