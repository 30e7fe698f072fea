"""What a lowering sees of one Keras layer, and the rule that every configuration key is consumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from compiler.errors import CompileError
from compiler.ir.numerics import Format
from compiler.ir.values import Value
from compiler.keras_file import LayerSpec
from compiler.keras_file.jsons import shown
from compiler.lowering.builder import Builder

# Keys that cannot change what a trained layer computes.
WITHOUT_EFFECT = frozenset({"name", "trainable", "batch_input_shape", "batch_shape", "activity_regularizer"})
# What a layer may compute in. The graph has float64 all the same, and a float build float32.
FLOATS = frozenset({"float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"})
LARGEST_WEIGHT = float(np.finfo(np.float32).max)
INTEGERS = frozenset({"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))})
WEIGHT_TRAINING = ("initializer", "regularizer", "constraint")

# Keys that a newer or an older library writes for layers that have no use for them, at the value that asks for nothing.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "data_format": ("channels_last",),
    "dilation_rate": (1, [1], [1, 1]),
    "groups": (1,),
    "keepdims": (False,),
    "renorm": (False,),
    "rms_scaling": (False,),
    "sparse": (False,),
    "stateful": (False,),
    "time_major": (False,),
    "use_cudnn": ("auto", False),
    "zero_output_for_mask": (False,),
}

_UNSET = object()


def neutral(key: str, value: Any) -> bool:
    """Whether an argument that nobody here knows changes nothing."""
    return value is None or value in NEUTRAL.get(key, ())


def whole(value: Any) -> int | None:
    """An integer, also one that a file writes as 3.0; None for anything else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 31:
        return int(value)
    return value if type(value) is int else None


class Layer(Builder):
    """One layer being lowered: hands out its configuration and weights, and collects the operations made of it.

    A lowering reads every key that matters with `take` or `expect`; `finish` refuses whatever is left, so
    that no attribute is ever dropped in silence.
    """

    def __init__(self, spec: LayerSpec, builder: Builder) -> None:
        super().__init__(builder, name=spec.name)
        self.class_name = spec.class_name
        self.keras_major = spec.keras_major
        self.mask: Value | None = None  # the steps that count, (time,): above 0, where it reads a mask
        self._config = dict(spec.config)
        self._weights = list(spec.weights)
        self._read = set(WITHOUT_EFFECT)
        self.formats: dict[str, Format | None] = {}  # of weights that a quantiser has put on a grid
        self._integers_read = False
        self._integers: str | None = None  # "int8", "int4/128", ...: what Keras' model.quantize made of its weights
        self._dtype()

    def error(self, what: str, hint: str | None = None) -> CompileError:
        """A CompileError that names this layer."""
        # A value from the file may be of any length.
        return CompileError(what if len(what) <= 400 else f"{what[:397]}...", layer=self.name, hint=hint)

    # Configuration.

    def take(self, key: str, default: Any = _UNSET) -> Any:
        """The value of a key, which is thereby consumed."""
        self._read.add(key)
        if key not in self._config and default is _UNSET:
            raise self.error(f"its configuration has no '{key}'")
        return self._config.get(key, default)

    def expect(self, key: str, *allowed: Any) -> None:
        """Refuses a key unless it has one of the allowed values, or is absent and so at the first of them."""
        value = self.take(key, allowed[0])
        if value not in allowed:
            wanted = " or ".join(repr(choice) for choice in allowed)
            raise self.error(f"{key}={value!r} is not supported", hint=f"Supported: {key}={wanted}.")

    def size(self, key: str) -> int:
        """A positive integer, alone or in a list of one, as Keras writes one-dimensional sizes."""
        value = self.take(key)
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        number = whole(value)
        if number is None or number < 1:
            raise self.error(f"{key}={value!r} is not a positive integer")
        return number

    def flag(self, key: str, default: bool = True) -> bool:
        """A boolean, as Keras reads one: numbers are true unless they are 0, and None is false."""
        value = self.take(key, default)
        if not isinstance(value, bool | int | float | None):
            raise self.error(f"{key}={value!r} is neither true nor false")
        return bool(value)

    def expect_false(self, *keys: str) -> None:
        """Refuses booleans that are true."""
        for key in keys:
            if self.flag(key, False):
                raise self.error(f"{key}={self.take(key)!r} is not supported", hint=f"Supported: {key}=False.")

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self.take(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
            raise self.error(f"{key}={value!r} is not a number")
        return float(value)

    def ignore(self, *keys: str) -> None:
        """Consumes keys that matter in training only."""
        self._read.update(keys)

    def ignore_training_of(self, *weights: str) -> None:
        """Consumes the initialisers, regularisers and constraints of weights."""
        self.ignore(*(f"{weight}_{suffix}" for weight in weights for suffix in WEIGHT_TRAINING))

    def note(self, what: str) -> None:
        """Tells the user of something about this layer: a sentence without its full stop."""
        self.notes.append(f"layer '{self.name}': {what}")

    @property
    def integers(self) -> str | None:
        """The kind of integers that Keras has made of the weights; None where they are real numbers."""
        self._integers_read = True
        return self._integers

    def finish(self) -> None:
        """Refuses any key that nobody read, unless its value asks for nothing, so that newer files stay readable."""
        if self._integers and not self._integers_read:
            raise self.error(f"dtype: a {self.class_name} with weights in {self._integers} is not supported")
        for key in sorted(self._config.keys() - self._read):
            value = self._config[key]
            if not neutral(key, value):
                raise self.error(f"{key}={value!r}: this key of {self.class_name} is not supported")
            self.note(f"{key}={value!r} is unknown here and was ignored, because it asks for nothing")
        if self._weights:
            raise self.error(f"the file holds {len(self._weights)} weights for it; a {self.class_name} has none")

    def _dtype(self) -> None:
        policy = self.take("dtype", None)
        if isinstance(policy, Mapping):
            config = policy.get("config")
            mode = config.get("mode") if isinstance(config, Mapping) else None
            if isinstance(mode, str):
                if mode.partition("/")[0] not in ("int8", "int4"):
                    hint = "Supported are model.quantize('int8') and ('int4')."
                    raise self.error(f"dtype: weights in {mode[:40]} are not supported", hint=hint)
                self._integers, policy = mode, config.get("source_name", "float32")
            else:
                policy = config.get("name", config) if isinstance(config, Mapping) else policy
        fits = FLOATS if self.class_name != "InputLayer" else FLOATS | INTEGERS
        if policy is not None and not (isinstance(policy, str) and policy in fits):
            hint = f"Supported, each as float32: {', '.join(sorted(fits))}."
            raise self.error(f"dtype={shown(policy)} is not supported", hint=hint)
        if policy in FLOATS - {"float32"}:  # the same sentence for each layer, which is told once
            self.notes.append(f"the model computes in {policy} and the build does not, so that they round differently")

    # Layers within this one.

    def inner(self, serialized: Any, weights: Sequence[np.ndarray] = (), builder: Builder | None = None) -> Layer:
        """A layer that this one holds in its configuration, under this one's name.

        Args:
            serialized: {"class_name": ..., "config": {...}}, as Keras writes it.
            weights: Those of this layer that are the inner one's.
            builder: Where it emits; where this one does, if None.
        """
        config = serialized.get("config") if isinstance(serialized, Mapping) else None
        if not isinstance(config, Mapping):
            raise self.error(f"{str(serialized)[:80]!r} is no layer")
        class_name = str(serialized.get("class_name"))
        spec = LayerSpec(self.name, class_name, config, (), tuple(weights), self.keras_major)
        layer = Layer(spec, builder or self)
        layer.mask = self.mask
        return layer

    def all_weights(self) -> tuple[np.ndarray, ...]:
        """Hands over every weight, to be shared out among the layers within."""
        arrays, self._weights = self._weights, []
        return tuple(arrays)

    # Weights.

    def put_weights(self, weights: Sequence[np.ndarray], formats: Mapping[str, Format | None]) -> None:
        """Exchanges the weights, in Keras' order, for what a quantiser has made of them, and says on which grids."""
        self._weights, self.formats = list(weights), dict(formats)

    def first_weight(self) -> np.ndarray | None:
        """The first weight, as it lies in the file; None where there is none."""
        return self._weights[0] if self._weights else None

    def weights(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
        """All weights, named in Keras' order, as float64; checked for number, shapes and values that are none."""
        arrays, self._weights = self._weights, []
        if len(arrays) != len(shapes):
            raise self.error(
                f"the file holds {len(arrays)} weights for it, not {len(shapes)} ({', '.join(shapes)})",
                hint="Save the model after it was built.",
            )
        for (key, shape), array in zip(shapes.items(), arrays, strict=True):
            if array.shape != tuple(shape):
                raise self.error(f"'{key}' has the shape {array.shape}, not {tuple(shape)}")
            if not np.all(np.isfinite(array)):
                raise self.error(f"'{key}' holds NaN or infinity", hint="Training diverged: train again.")
            if array.dtype == np.float64 and np.any(np.abs(array) > LARGEST_WEIGHT):
                raise self.error(f"'{key}' holds numbers beyond what float32 can", hint="Train it in float32.")
        return {key: array.astype(np.float64) for key, array in zip(shapes, arrays, strict=True)}
