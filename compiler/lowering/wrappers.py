"""Layers around layers: Bidirectional, SpectralNormalization and TimeDistributed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from compiler.ir.ops import Affine
from compiler.ir.values import Value
from compiler.lowering.arithmetic import binary, join
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer
from compiler.lowering.recurrent import run, weight_count

RECURRENT = ("CuDNNGRU", "CuDNNLSTM", "GRU", "LSTM", "RNN", "SimpleRNN")
# Layers that treat every position alike, so that one more axis in front changes nothing.
POINTWISE = ("Activation", "Dense", "ELU", "LeakyReLU", "QActivation", "QDense", "ReLU")

Lower = Callable[..., Value | tuple[Value, ...]]


def bidirectional(layer: Layer, x: Value, *initial: Value) -> Value | tuple[Value, ...]:
    """Keras' Bidirectional: a recurrent layer forwards, another backwards, and what becomes of the two."""
    forward, backward = layer.take("layer"), layer.take("backward_layer", None)
    weights, count = layer.all_weights(), weight_count(layer, forward)
    if backward is None:
        backward = _turned(layer, forward)
    if len(initial) % 2:
        raise layer.error(f"its initial_state has {len(initial)} parts, which two layers cannot share")
    half = len(initial) // 2
    sides = []
    for serialized, own, turn in ((forward, weights[:count], False), (backward, weights[count:], True)):
        inner = layer.inner(serialized, own)
        if inner.class_name not in RECURRENT:
            raise layer.error(
                f"a {inner.class_name} within is not supported", hint=f"Supported: {', '.join(RECURRENT)}."
            )
        # Its backward sequence is turned back into the order of the input.
        result = run(inner, x, initial[half:] if turn else initial[:half], turn=turn, within=True)
        inner.finish()
        sides.append(result if isinstance(result, tuple) else (result,))
    (y, *states), (reverse, *more) = sides
    if y.shape != reverse.shape:
        raise layer.error(f"backward_layer gives the shape {reverse.shape}, layer {y.shape}")
    merged = _merge(layer, y, reverse)
    return (*merged, *states, *more) if len(merged) + len(states) > 1 else merged[0]


def _turned(layer: Layer, serialized: Any) -> dict[str, Any]:
    config = serialized.get("config") if isinstance(serialized, Mapping) else None
    if not isinstance(config, Mapping):
        raise layer.error(f"layer={str(serialized)[:80]!r} is no layer")
    return {**serialized, "config": {**config, "go_backwards": not config.get("go_backwards", False)}}


def _merge(layer: Layer, a: Value, b: Value) -> tuple[Value, ...]:
    mode = layer.take("merge_mode", "concat")
    if mode is None:
        return a, b
    if mode == "concat":
        return (join(layer, [a, b], len(a.shape) - 1),)
    if mode == "mul":
        return (binary(layer, "multiply", a, b),)
    if mode not in ("sum", "ave"):
        raise layer.error(f"merge_mode={mode!r} is not supported", hint="Supported: concat, sum, ave, mul, none.")
    total = binary(layer, "add", a, b)
    if mode == "sum":
        return (total,)
    channels = a.shape[-1]
    half = np.full(channels, 0.5)
    return (layer.emit(Affine, total, scale=half, shift=np.zeros(channels)),)


def spectral_normalization(table: Mapping[str, Lower], layer: Layer, *values: Value) -> Value:
    """Keras' SpectralNormalization: at inference the layer within, with the kernel that training left behind.

    Args:
        table: Of the functions that lower the layer within.
    """
    layer.ignore("power_iterations")
    return _lower_within(table, layer, layer.take("layer"), layer.all_weights(), layer, values)


def time_distributed(table: Mapping[str, Lower], layer: Layer, x: Value) -> Value:
    """Keras' TimeDistributed around a layer that is no model: the layer applied to each step by itself.

    Args:
        table: Of the functions that lower the layer within.
    """
    serialized, weights = layer.take("layer"), layer.all_weights()

    def apply(to: Builder, value: Value) -> Value:
        return _lower_within(table, layer, serialized, weights, to, (value,))

    if isinstance(serialized, Mapping) and serialized.get("class_name") in POINTWISE:
        _check_time(layer, x)
        return apply(layer, x)
    return each_step(layer, x, apply)


def _lower_within(
    table: Mapping[str, Lower],
    layer: Layer,
    serialized: Any,
    weights: Sequence[np.ndarray],
    to: Builder,
    values: Sequence[Value],
) -> Value:
    """What the layer that `layer` holds computes."""
    inner = layer.inner(serialized, weights, to)
    lower = table.get(inner.class_name)
    if lower is None:
        raise layer.error(f"a {inner.class_name} within is not supported")
    y = lower(inner, *values)
    inner.finish()
    if not isinstance(y, Value):
        raise layer.error(f"a {inner.class_name} that gives several values within is not supported")
    return y


def _check_time(layer: Layer, x: Value) -> None:
    if len(x.shape) < 2:
        raise layer.error("its input has no axes behind time")


def each_step(layer: Layer, x: Value, apply: Callable[[Builder, Value], Value]) -> Value:
    """What `apply` makes of each step of x by itself."""
    _check_time(layer, x)
    unchanged: list[bool] = []

    def step(to: Builder, element: Value) -> Value:
        y = apply(to, element)
        unchanged.append(y is element)
        return y

    ops = len(layer.ops)
    y = layer.scan(x, step)
    if unchanged == [True]:
        del layer.ops[ops:]
        return x
    return y
