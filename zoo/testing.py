"""What every layer, loss and metric of the zoo must survive.

Three functions, one for each kind; a test calls one of them and adds what is particular to its subject. They raise
AssertionError, and the message says which promise was broken.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

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
    tolerance: float = 1e-5,
) -> None:
    """Equals an independent numpy version, under every reduction and with weights; config round trip.

    Args:
        loss_class: the loss under test.
        arguments: what to construct it with; every one must come back in its config.
        y_true, y_pred: a batch of targets and outputs, at least three samples that are not all alike.
        reference: from `y_true` and `y_pred` to the loss of each sample, (batch,), in plain numpy.
        tolerance: relative difference to accept.
    """
    assert len(y_true) >= 3, "with fewer than three samples, weights and means cannot be told apart"
    expected = np.asarray(reference(y_true, y_pred), np.float64)
    assert expected.shape == (len(y_true),), f"the reference must give one loss per sample, not {expected.shape}"
    assert np.ptp(expected) > 0, "all samples have the same loss, so that this tests nothing"

    def check(name: str, value: Any, wanted: Any) -> None:
        value = ops.convert_to_numpy(value)
        assert value.shape == np.shape(wanted), f"{name}: shape {value.shape}, not {np.shape(wanted)}"
        assert np.allclose(value, wanted, rtol=tolerance, atol=tolerance), f"{name}: {value}, but numpy says {wanted}"

    def made(reduction: str) -> keras.losses.Loss:
        return loss_class(**{**arguments, "reduction": reduction})

    weights = np.linspace(0.0, 2.0, len(y_true), dtype=np.float32)
    check("no reduction", made("none")(y_true, y_pred), expected)
    check("sum", made("sum")(y_true, y_pred), expected.sum())
    check("mean", made("sum_over_batch_size")(y_true, y_pred), expected.mean())
    check("weighted, no reduction", made("none")(y_true, y_pred, sample_weight=weights), expected * weights)
    check(
        "weighted mean", made("sum_over_batch_size")(y_true, y_pred, sample_weight=weights), (expected * weights).mean()
    )
    loss = made("none")
    again = _check_config(loss, arguments)
    check("rebuilt from its config", again(y_true, y_pred), expected)


def run_metric_test(
    metric_class: type[keras.metrics.Metric],
    arguments: Mapping[str, Any],
    y_true: Array,
    y_pred: Array,
    reference: Callable[[Array, Array, Array], float],
    *,
    tolerance: float = 1e-4,
) -> None:
    """Streaming in uneven batches equals brute force on everything; weights, reset, config round trip.

    Args:
        metric_class: the metric under test.
        arguments: what to construct it with; every one must come back in its config.
        y_true, y_pred: at least six samples that are not all alike.
        reference: from `y_true`, `y_pred` and the weight of each sample to the value, in plain numpy.
        tolerance: relative difference to accept.
    """
    count = len(y_true)
    assert count >= 6, "with fewer than six samples, batches cannot be uneven"
    cuts = [slice(0, 1), slice(1, 4), slice(4, count)]
    ones, weights = np.ones(count, np.float32), np.linspace(0.0, 2.0, count, dtype=np.float32)

    def stream(metric: keras.metrics.Metric, weight: Array | None) -> float:
        for cut in cuts:
            metric.update_state(y_true[cut], y_pred[cut], **({} if weight is None else {"sample_weight": weight[cut]}))
        return float(metric.result())

    def check(name: str, value: float, wanted: float) -> None:
        assert np.isclose(value, wanted, rtol=tolerance, atol=tolerance), f"{name}: {value}, but numpy says {wanted}"

    plain, weighted = reference(y_true, y_pred, ones), reference(y_true, y_pred, weights)
    assert not np.isclose(plain, weighted), "weights make no difference here, so that this tests nothing"
    metric = metric_class(**arguments)
    empty = float(metric.result())
    assert np.isfinite(empty), f"without any samples the result is {empty}"
    check("uneven batches", stream(metric, None), plain)
    metric.reset_state()
    check("after reset_state", float(metric.result()), empty)
    check("uneven weighted batches after reset_state", stream(metric, weights), weighted)
    check("rebuilt from its config", stream(_check_config(metric, arguments), None), plain)


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
