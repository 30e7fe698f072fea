"""A file of Neural Amp Modeler: which network it holds, and what it says about itself."""

from pathlib import Path

import keras

from zoo.captures.capture import Capture, plain
from zoo.captures.fields import Fields, Stream
from zoo.captures.nam.wavenet import wavenet
from zoo.captures.torch_layers import dense, lstm

NEWEST = (0, 7)
"""The version of the format that is understood, with all before it."""

DEFAULT_SAMPLE_RATE = 48_000  # hertz: what files without one were made for


def read(path: Path, size: float = 1.0) -> Capture:
    """Reads a `.nam` file.

    Args:
        path: of the file.
        size: of a container with networks of several widths, 0 to 1: the narrowest one that is made for it is taken.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or holds what is not understood; names the file and the field.
    """
    fields = Fields.read(path)
    about = {"format": "nam", "file": path.name} | _about(fields)
    architecture = fields.take("architecture", str)
    if architecture == "SlimmableContainer":
        fields, chosen = _chosen(fields, size)
        about |= _about(fields) | chosen
        architecture = fields.take("architecture", str)
    weights = Stream(fields.take("weights", list), f"{fields.where}: 'weights'")
    config = fields.group("config")
    fields.done()
    networks = {"WaveNet": wavenet, "LSTM": _lstm}
    if architecture not in networks:
        raise fields.wrong("architecture", f"is '{architecture}', and only {' and '.join(networks)} are understood")
    return Capture(networks[architecture](config, weights), about | {"architecture": architecture})


def _about(fields: Fields) -> dict[str, object]:
    """Everything in a group that is no network: checks the version and collects what is known."""
    version = fields.take("version", str)
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise fields.wrong("version", f"is '{version}', which is none")
    if tuple(map(int, parts[:2])) > NEWEST:
        raise fields.wrong(
            "version", f"is {version}, later than {'.'.join(map(str, NEWEST))}, the last that is understood"
        )
    rate = fields.take("sample_rate", float, DEFAULT_SAMPLE_RATE)
    if not 1 <= rate <= 1e6:
        raise fields.wrong("sample_rate", f"is {rate:g} Hz")
    described = fields.take("metadata", dict, {}) or {}
    loudness = {"loudness_db": described["loudness"]} if "loudness" in described else {}
    others = {key: value for key, value in plain(described).items() if key not in ("loudness", "sample_rate_hz")}
    return {"sample_rate_hz": round(rate), **plain(loudness), **others}


def _chosen(fields: Fields, size: float) -> tuple[Fields, dict[str, object]]:
    """The network of a container for a size."""
    if fields.take("weights", list, []):
        raise fields.wrong("weights", "holds numbers beside those of the networks within")
    config = fields.group("config")
    fields.done()
    found = []
    for one in config.groups("submodels"):
        limit, model = one.take("max_value", float), one.group("model")
        one.done()
        found.append((limit, model))
    config.done()
    if not found or [limit for limit, _ in found] != sorted({limit for limit, _ in found}):
        raise config.wrong("submodels", "should hold networks in the order of their 'max_value'")
    limit, model = next((pair for pair in found if size <= pair[0]), found[-1])
    return model, {"size": limit}


def _lstm(config: Fields, weights: Stream) -> keras.Model:
    """Stacked LSTMs and a product with a bias.

    Each layer's weights are a matrix for input and state side by side, a bias, and the state that training began from.
    The last is dropped: players let silence run through before anything is heard, and a network at rest is where the
    Keras model begins to run to as well.
    """
    layers, units = config.count("num_layers", most=64), config.count("hidden_size")
    config.only("input_size", 1)
    config.done()
    audio = x = keras.Input((None, 1), name="audio")
    for number in range(layers):
        inputs = x.shape[-1]
        both = weights.take(4 * units, inputs + units)
        x = lstm(x, both[:, :inputs], both[:, inputs:], weights.take(4 * units), f"lstm{number}")
        weights.take(2, units)
    kernel = weights.take(1, units)
    y = dense(x, kernel, weights.take(1), "head")
    weights.done()
    return keras.Model(audio, y)
