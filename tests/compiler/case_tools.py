"""What a line in the table of layers is made of: a layer, and the inputs that it is called on."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

import numpy as np
from models import randomize

STEPS = 32  # of a time axis whose length the model leaves open
BATCH = 2

Library = Literal["keras", "tf_keras", "qkeras"]


@dataclass(frozen=True)
class Make:
    """A layer to be made: its class and what its constructor is given; other layers among it are made too."""

    class_name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __call__(self, namespace: Any) -> Any:
        def made(thing: Any) -> Any:
            if isinstance(thing, list):
                return [made(part) for part in thing]
            return thing(namespace) if isinstance(thing, Make) else thing

        kwargs = {key: made(value) for key, value in self.kwargs.items()}
        # A model stands beside the layers.
        models = self.class_name == "Sequential"
        owner = import_module(namespace.Layer.__module__.partition(".")[0]) if models else namespace
        return getattr(owner, self.class_name)(*map(made, self.args), **kwargs)

    def __str__(self) -> str:
        def shown(thing: Any) -> str:
            text = f"[{','.join(map(str, thing))}]" if isinstance(thing, list) else str(thing)
            return text.replace(" ", "").replace("'", "")

        parts = [*map(shown, self.args), *(f"{key}={shown(value)}" for key, value in self.kwargs.items())]
        return f"{self.class_name}({','.join(parts)})"


def make(class_name: str, *args: Any, **kwargs: Any) -> Make:
    """Shorthand for Make."""
    return Make(class_name, args, kwargs)


@dataclass(frozen=True)
class Case:
    """One layer on inputs of given shapes.

    Args:
        mode: 'S' streams, sample by sample, and equals the frame; 'F' needs whole frames and says so.
        shapes: Of each input, without the batch; None is a time of any length.
        values: 'noise' in ±2, or 'tokens', whole numbers below 7.
    """

    layer: Make
    mode: Literal["S", "F"]
    shapes: tuple[tuple[int | None, ...], ...]
    library: Library = "keras"
    values: Literal["noise", "tokens"] = "noise"

    @property
    def id(self) -> str:
        """Unique in the table, and fit to be part of a test's name."""
        at = "+".join("x".join("t" if n is None else str(n) for n in shape) for shape in self.shapes)
        origin = "" if self.library != "tf_keras" else "keras2-"
        return f"{origin}{self.layer}@{at}"

    @property
    def class_name(self) -> str:
        """The class it is about."""
        return self.layer.class_name

    @property
    def suffix(self) -> str:
        """Of the file it is saved to: some files of each kind."""
        return "h5" if len(self.shapes[0]) < 3 else "keras"

    def model(self, seed: int = 0) -> Any:
        """The Keras model, with random weights."""
        models, namespace = library(self.library)
        inputs = [models.Input(shape, name=f"in_{i}") for i, shape in enumerate(self.shapes)]
        inputs = inputs if len(inputs) > 1 else inputs[0]
        outputs = self.layer(namespace)(inputs)
        return randomize(models.Model(inputs, outputs), seed)

    def inputs(self, seed: int = 0) -> list[np.ndarray]:
        """(batch, *shape) for each input, float32."""
        rng = np.random.default_rng(seed)
        shapes = [(BATCH, *(STEPS if n is None else n for n in shape)) for shape in self.shapes]
        if self.values == "tokens":
            return [rng.integers(0, 7, shape).astype(np.float32) for shape in shapes]
        return [rng.uniform(-2, 2, shape).astype(np.float32) for shape in shapes]


def library(name: Library) -> tuple[Any, Any]:
    """The module that models come from, and the one that has the layers."""
    if name == "keras":
        import keras

        return keras, keras.layers
    import tf_keras

    if name == "tf_keras":
        return tf_keras, tf_keras.layers
    import qkeras

    return tf_keras, qkeras


Shapes = tuple[int | None, ...] | list[tuple[int | None, ...]]


def rows(
    mode: Literal["S", "F"],
    shape: Shapes,
    *layers: Make,
    library: Library = "keras",
    values: Literal["noise", "tokens"] = "noise",
) -> list[Case]:
    """Several cases on inputs of the same shapes."""
    shapes = tuple(shape) if isinstance(shape, list) else (shape,)
    return [Case(layer, mode, shapes, library, values) for layer in layers]


TIME = (None, 3)
FRAME = (12, 3)
IMAGE = (9, 7, 3)
