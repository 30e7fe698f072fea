"""Masks: which steps of a sequence count. A recurrent layer passes over the others, and keeps its states.

Keras 3 writes them into a functional model, as operators and as an argument of each call that takes one. Everywhere
else a file says nothing of them: they follow a value from layer to layer when Keras runs, as here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compiler.ir.ops import Reshape, Select
from compiler.ir.values import Value
from compiler.keras_file import LayerSpec
from compiler.lowering import noop
from compiler.lowering.arithmetic import binary, reduce, reshape, unary
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer
from compiler.lowering.wrappers import POINTWISE, RECURRENT

# What reads a mask, and what is called with one and computes the same in spite of it.
READERS = ("Bidirectional", "GlobalAveragePooling1D", *RECURRENT)
UNMOVED = ("BatchNormalization", "QBatchNormalization")
# What passes a mask on as it is.
PASSING = frozenset(
    (
        *("Activation", "Dense", "ELU", "LayerNormalization", "LeakyReLU", "PReLU", "QDense", "ReLU"),
        *("ThresholdedReLU", "UnitNormalization", *UNMOVED),
        *(name for name in noop.KEYS if "Dropout" in name or name in ("ActivityRegularization", "GaussianNoise")),
    )
)
PASSING_IN_KERAS_3 = frozenset(("Identity", "Normalization", "Rescaling"))
# What reads a mask in a way that is not known here.
OTHER_READERS = ("Attention", "GroupNormalization", "Softmax", "TimeDistributed")
# Where masks of several values meet, or that of a value would be told to what is within.
MEETING = ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")
UNKNOWN_BEHIND = frozenset((*MEETING, *OTHER_READERS, "QActivation"))


def masking(layer: Layer, x: Value) -> Value:
    """Keras' Masking: steps at which all channels have one value count no more, and are zeros."""
    value = np.full((1,), layer.number("mask_value", 0.0))
    distance = unary(layer, "absolute", binary(layer, "subtract", x, layer.constant(value), "_distance"), suffix="_far")
    mask = reduce(layer, "max", distance, [len(x.shape) - 1], suffix="_mask")
    zero = layer.constant(np.zeros(1), "_zero")
    y = layer.emit(Select, (mask, x, zero))
    layer.masks[y.name] = reshape(layer, mask, x.shape[:-1], "_steps")
    return y


def mask_zero(layer: Layer, tokens: Value, y: Value) -> None:
    """An Embedding's mask: 0 is no token."""
    layer.masks[y.name] = tokens


def global_average(layer: Layer, x: Value) -> Value:
    """The mean over the steps that count."""
    mask = reshape(layer, layer.mask, (*layer.mask.shape, 1), "_mask")
    one, zero = layer.constant(np.ones(1), "_one"), layer.constant(np.zeros(1), "_zero")
    keepdims = layer.flag("keepdims", False)
    kept, counted = layer.emit(Select, (mask, x, zero)), layer.emit(Select, (mask, one, zero))
    total = reduce(layer, "sum", kept, [0], keepdims=keepdims, suffix="_sum")
    return binary(layer, "divide", total, reduce(layer, "sum", counted, [0], keepdims=keepdims, suffix="_count"))


def mask_of(spec: LayerSpec, layer: Layer, inputs: Sequence[Value], given: Value | None) -> Value | None:
    """The mask that a layer reads: the one it is called with, or the one that has followed its input."""
    # Keras 3 hands masks to layers that are called on one value alone.
    follows = len(inputs) == 1 or spec.keras_major == 2 or spec.class_name == "Attention"
    masked = follows and any(value.name in layer.masks for value in inputs)
    if spec.class_name in OTHER_READERS and masked and not takes(spec):
        raise layer.error(
            f"it would read a mask, which no {spec.class_name} does here", hint="Give it values without a mask."
        )
    if spec.class_name not in READERS:
        return None
    found = [layer.masks[value.name] for value in inputs[:1] if follows and value.name in layer.masks]
    if given is None and found == [None]:
        raise layer.error(
            "it would read a mask behind layers that make another of it",
            hint=f"Masks are followed through {', '.join(sorted(PASSING))}.",
        )
    mask = given if given is not None or not found else found[0]
    if mask is None or mask.shape != inputs[0].shape[:1]:
        if mask is not None:
            raise layer.error(f"its mask has the shape {mask.shape}, which is not one number for each step")
        return None
    return mask if mask.name in layer.conditions else unary(layer, "absolute", mask, suffix="_steps")


def hand_on(
    spec: LayerSpec, builder: Builder, inputs: Sequence[Value], outputs: tuple[Value, ...]
) -> tuple[Value, ...]:
    """What a layer gives, once it is noted which of it has the mask of its input."""
    masked = [value for value in inputs if value.name in builder.masks]
    name = spec.class_name
    if not masked or not outputs:
        return outputs
    first = builder.masks[masked[0].name]
    passes = name in PASSING or (name in PASSING_IN_KERAS_3 and spec.keras_major == 3)
    sequence = name in ("Bidirectional", *RECURRENT) and len(outputs[0].shape) == len(inputs[0].shape)
    if passes or sequence:
        builder.masks[outputs[0].name] = first
    elif name in UNKNOWN_BEHIND:
        builder.masks[outputs[0].name] = None
    elif outputs[0].name == masked[0].name:
        # A layer that changes nothing, but keeps no mask: its output is told apart from its input.
        return (builder.emit(Reshape, outputs[0], shape=outputs[0].shape, suffix="_unmasked"), *outputs[1:])
    return outputs


def takes(spec: LayerSpec) -> bool:
    """Whether a layer may be called with a mask."""
    held = spec.config.get("layer") if spec.class_name == "TimeDistributed" else None
    within = isinstance(held, dict) and held.get("class_name") in (*POINTWISE, *UNMOVED)
    return within or spec.model is not None or spec.class_name in (*READERS, *UNMOVED)
