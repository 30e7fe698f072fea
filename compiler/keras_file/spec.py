"""What a model file says, with nothing interpreted yet: layers, their calls, their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class TensorRef:
    """One output of one call of a layer. Nodes count from 0 as the layer's `calls` do."""

    layer: str
    node: int
    tensor: int


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer (an inbound node).

    Args:
        arguments: The positional arguments. Each is a TensorRef, a number, text, None, an array, a slice, an
            Ellipsis, or a tuple or a dict of such.
        keywords: The arguments given by name.
    """

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refs(self) -> tuple[TensorRef, ...]:
        """The outputs of other layers among the arguments, in order, those by position first."""
        return tuple(ref for ref in leaves((self.arguments, self.keywords)) if isinstance(ref, TensorRef))


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """A layer as the file has it.

    Args:
        calls: In the file's order; none for an InputLayer.
        weights: In Keras' order of variables; empty for a nested model, whose layers have them.
        keras_major: The Keras that wrote the file: some names mean something else in Keras 2.
        model: The layers within, where this is a model itself.
        wrapped: What a TimeDistributed is made of, where that is a model or holds one.
        operator: An operation on tensors that Keras 3 recorded (`x * 0.5`, `keras.ops`), not a layer of that name.
    """

    name: str
    class_name: str
    config: Mapping[str, Any]
    calls: tuple[Call, ...]
    weights: tuple[np.ndarray, ...]
    keras_major: int = 3
    model: ModelSpec | None = None
    wrapped: LayerSpec | None = None
    operator: bool = False


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """A model as the file has it, its layers in the file's order.

    Args:
        sha256: Of the file, or of configuration and weights of a live model; empty for a nested one.
        inputs, outputs: In the order in which Keras takes and returns them.
        input_keys: The names by which it takes its inputs, where it takes a dict.
        output_keys: Those by which it gives its outputs, in their order, where it gives a dict.
        config: What else the file says of the model.
        capture: What the file says of its origin, where it was made of another project's: texts and numbers.
    """

    name: str
    sha256: str
    layers: tuple[LayerSpec, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]
    input_keys: tuple[str, ...] = ()
    output_keys: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    capture: Mapping[str, str | int | float] = field(default_factory=dict)


def leaves(structure: Any) -> Iterator[Any]:
    """What nested tuples, lists and dicts hold, in Keras' order: dicts by their sorted keys."""
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from leaves(structure[key])
    elif isinstance(structure, tuple | list):
        for part in structure:
            yield from leaves(part)
    else:
        yield structure
