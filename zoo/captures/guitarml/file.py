"""A file of GuitarML's NeuralPi, Proteus or SmartAmp: a recurrent network with up to seven knobs."""

from pathlib import Path

import keras
import numpy as np

from zoo.captures.capture import Capture
from zoo.captures.fields import Fields
from zoo.captures.torch_layers import Tensor, dense, gru, lstm

SAMPLE_RATE = 44_100  # hertz: what these networks are trained at, as their files do not say
MOST_KNOBS = 7


def read(path: Path) -> Capture:
    """Reads a `.json` file.

    Args:
        path: of the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or holds what is not understood; names the file and the field.
    """
    fields = Fields.read(path)
    if "model_data" not in fields and "layers" in fields:
        raise ValueError(f"{path} is a file of RTNeural: python -m zoo import rtneural {path}")
    data, state = fields.group("model_data"), fields.group("state_dict")
    fields.done()
    data.only("model", "SimpleRNN")
    data.only("output_size", 1)
    data.only("bias_fl", True)
    inputs = data.count("input_size", most=1 + MOST_KNOBS)
    skip = data.take("skip", int, 0)
    unit, layers, units = (
        data.only("unit_type", "LSTM", "GRU"),
        data.count("num_layers", 1, most=64),
        data.count("hidden_size"),
    )
    data.done()
    if skip not in (0, 1):
        raise data.wrong("skip", f"is {skip}, and only 0 and 1 are understood")
    audio = keras.Input((None, 1), name="audio")
    knobs = keras.Input((inputs - 1,), name="knobs") if inputs > 1 else None
    x = audio if knobs is None else _joined(audio, knobs)
    for number in range(layers):
        x = _recurrent(unit, x, units, state, number)
    y = dense(x, state.array("lin.weight", 1, units), state.array("lin.bias", 1), "head")
    state.done()
    if skip:
        y = keras.layers.Add(name="skip")([y, audio])
    about = {"format": "guitarml", "file": path.name, "sample_rate_hz": SAMPLE_RATE, "architecture": unit}
    return Capture(keras.Model(audio if knobs is None else [audio, knobs], y), about)


def _joined(audio: Tensor, knobs: Tensor) -> Tensor:
    """Audio in the first channel and knobs in the others, the same at all times.

    Two products with ones and zeros and a sum, which is exact: Keras has no layer that lays a vector beside a stream
    of any length.
    """
    count = knobs.shape[-1]
    first = dense(audio, np.eye(count + 1, 1, dtype=np.float32), None, "audio_channel")
    others = dense(knobs, np.eye(count + 1, count, -1, dtype=np.float32), None, "knob_channels")
    return keras.layers.Add(name="joined")([first, keras.layers.Reshape((1, count + 1), name="at_all_times")(others)])


def _recurrent(unit: str, x: Tensor, units: int, state: Fields, number: int) -> Tensor:
    rows = (4 if unit == "LSTM" else 3) * units
    kernel = state.array(f"rec.weight_ih_l{number}", rows, x.shape[-1])
    recurrent = state.array(f"rec.weight_hh_l{number}", rows, units)
    biases = np.stack([state.array(f"rec.bias_{side}_l{number}", rows) for side in ("ih", "hh")])
    name = f"{unit.lower()}{number}"
    return (
        lstm(x, kernel, recurrent, biases.sum(0), name) if unit == "LSTM" else gru(x, kernel, recurrent, biases, name)
    )
