"""A file of RTNeural: a list of layers, each with its type, its activation and Keras' weights."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from zoo.captures.capture import Capture
from zoo.captures.fields import Fields, numbers

ACTIVATIONS = ("", "tanh", "relu", "sigmoid", "softmax", "elu")
Tensor = keras.KerasTensor


def read(path: Path) -> Capture:
    """Reads a `.json` file.

    Args:
        path: of the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or holds what is not understood; names the file, layer and field.
    """
    fields = Fields.read(path)
    if "model_data" in fields:
        raise ValueError(f"{path} is a file of GuitarML: python -m zoo import guitarml {path}")
    channels = _last(fields, "in_shape")
    layers = list(fields.groups("layers"))
    skip = fields.only("in_skip", 0, 1)
    for gain in ("in_gain", "out_gain"):
        fields.only(gain, 0, 0.0)
    rate = fields.take("samplerate", float, None)
    about = {"format": "rtneural", "file": path.name} | ({} if rate is None else {"sample_rate_hz": round(rate)})
    fields.drop("metadata", "name")
    fields.done()
    if not layers:
        raise fields.wrong("layers", "is empty")
    audio = x = keras.Input((None, channels), name="audio")
    for number, layer in enumerate(layers):
        kind = layer.take("type", str)
        if kind not in _LAYERS:
            known = ", ".join(sorted(_LAYERS))
            raise layer.wrong("type", f"is '{kind}', and only {known} are understood")
        x = _LAYERS[kind](layer, x, f"{kind.replace('-', '_')}{number}")
        layer.done()
    if skip:
        if x.shape[-1] != channels:
            raise fields.wrong("in_skip", f"adds {channels} channels to {x.shape[-1]}")
        x = keras.layers.Add(name="skip")([x, audio])
    return Capture(keras.Model(audio, x), about)


def _dense(layer: Fields, x: Tensor, name: str) -> Tensor:
    outputs = _last(layer, "shape")
    weights = _weights(layer, (x.shape[-1], outputs), (outputs,))
    return _activated(layer, _with(keras.layers.Dense(outputs, name=name), x, weights), name)


def _conv1d(layer: Fields, x: Tensor, name: str) -> Tensor:
    outputs, taps, dilation = _last(layer, "shape"), _last(layer, "kernel_size"), _last(layer, "dilation")
    groups = layer.count("groups", 1)
    layer.only("strides", 1, [1])
    if x.shape[-1] % groups or outputs % groups:
        raise layer.wrong("groups", f"is {groups}, which does not divide {x.shape[-1]} and {outputs} channels")
    weights = _weights(layer, (taps, x.shape[-1] // groups, outputs), (outputs,))
    made = keras.layers.Conv1D(outputs, taps, padding="causal", dilation_rate=dilation, groups=groups, name=name)
    return _activated(layer, _with(made, x, weights), name)


def _lstm(layer: Fields, x: Tensor, name: str) -> Tensor:
    units = _last(layer, "shape")
    layer.only("activation", "", "tanh")  # its own, which RTNeural takes for granted
    weights = _weights(layer, (x.shape[-1], 4 * units), (units, 4 * units), (4 * units,))
    return _with(keras.layers.LSTM(units, return_sequences=True, name=name), x, weights)


def _gru(layer: Fields, x: Tensor, name: str) -> Tensor:
    units = _last(layer, "shape")
    layer.only("activation", "", "tanh")
    weights = _weights(layer, (x.shape[-1], 3 * units), (units, 3 * units), (2, 3 * units))
    return _with(keras.layers.GRU(units, return_sequences=True, reset_after=True, name=name), x, weights)


def _batchnorm(layer: Fields, x: Tensor, name: str) -> Tensor:
    channels = _last(layer, "shape")
    affine = len(layer.peek("weights", list)) == 4
    epsilon = layer.take("epsilon", float)
    weights = _weights(layer, *([(channels,)] * (4 if affine else 2)))
    made = keras.layers.BatchNormalization(epsilon=epsilon, center=affine, scale=affine, name=name)
    return _activated(layer, _with(made, x, weights), name)


def _prelu(layer: Fields, x: Tensor, name: str) -> Tensor:
    channels = _last(layer, "shape")
    layer.drop("activation")
    (slopes,) = layer.take("weights", list) or [None]
    slopes = numbers(slopes, np.shape(slopes), f"{layer.where}: 'weights'").reshape(-1)
    if slopes.size not in (1, channels):
        raise layer.wrong("weights", f"holds {slopes.size} slopes for {channels} channels")
    return _with(keras.layers.PReLU(shared_axes=[1], name=name), x, [np.broadcast_to(slopes, (1, channels))])


def _activation(layer: Fields, x: Tensor, name: str) -> Tensor:
    layer.drop("shape")
    if layer.take("weights", list, []):
        raise layer.wrong("weights", "holds numbers, of which an activation has none")
    return _activated(layer, x, name)


_LAYERS: dict[str, Callable[[Fields, Tensor, str], Tensor]] = {
    "dense": _dense,
    "time-distributed-dense": _dense,
    "conv1d": _conv1d,
    "lstm": _lstm,
    "gru": _gru,
    "batchnorm": _batchnorm,
    "prelu": _prelu,
    "activation": _activation,
}


def _with(layer: keras.Layer, x: Tensor, weights: list[np.ndarray]) -> Tensor:
    y = layer(x)
    layer.set_weights(weights)
    return y


def _activated(layer: Fields, x: Tensor, name: str) -> Tensor:
    kind = layer.only("activation", *ACTIVATIONS)
    return keras.layers.Activation(kind, name=f"{name}_{kind}")(x) if kind else x


def _weights(layer: Fields, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    given = layer.take("weights", list)
    if len(given) != len(shapes):
        raise layer.wrong("weights", f"holds {len(given)} arrays, and should hold {len(shapes)}")
    return [
        numbers(one, shape, f"{layer.where}: weights[{index}]")
        for index, (one, shape) in enumerate(zip(given, shapes, strict=True))
    ]


def _last(layer: Fields, key: str) -> int:
    """The last number of a list, as RTNeural reads shapes; those before it are null."""
    value = layer.take(key, list)
    if not value or not isinstance(value[-1], int) or isinstance(value[-1], bool) or not 1 <= value[-1] <= 1 << 20:
        raise layer.wrong(key, f"is {value}, and should end with a whole number from 1")
    return value[-1]
