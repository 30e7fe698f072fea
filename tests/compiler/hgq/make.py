"""Trains the small networks of this folder with HGQ2 and keeps what they answer.

HGQ2 brings a package named qkeras of its own, so it needs an environment apart:

    python3.11 -m venv hgq && hgq/bin/pip install hgq2==0.2.0 tensorflow keras==3.15.0
    hgq/bin/python tests/compiler/hgq/make.py

Beside each `<name>.keras` stands `<name>.npz` with inputs `x0`, `x1`, ... and what each layer gives, by its name.
"""

import os
import sys
import zipfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import hgq.layers as layers
import keras
import numpy as np
from hgq.config import LayerConfigScope, QuantizerConfigScope
from hgq.quantizer import Quantizer, QuantizerConfig

FOLDER = Path(__file__).parent
RANDOM = np.random.default_rng(0)


def scopes(weights: dict, values: dict):
    """Quantisers of weights and biases, and of values."""
    return (
        QuantizerConfigScope(place="weight", **weights),
        QuantizerConfigScope(place="bias", **weights),
        QuantizerConfigScope(place="datalane", **values),
    )


def spread(model: keras.Model) -> None:
    """Widths that differ from place to place, as long training leaves them, and biases that are not 0."""
    for layer in model._flatten_layers():
        if hasattr(layer, "kif"):
            for variable in layer.trainable_variables:
                variable.assign(np.asarray(variable) + RANDOM.integers(-2, 2, variable.shape))
    for variable in model.weights:
        if variable.name in ("bias", "bn_beta", "moving_mean"):
            variable.assign(RANDOM.normal(0, 0.3, variable.shape))
        elif variable.name in ("bn_gamma", "moving_variance"):
            variable.assign(RANDOM.uniform(0.5, 1.5, variable.shape))


def keep(name: str, model: keras.Model, *shapes: tuple[int, ...]) -> None:
    """Fits a model a little, and writes it with inputs (some beyond its range) and outputs."""
    xs = [RANDOM.normal(0, 1, (64, *shape)).astype(np.float32) for shape in shapes]
    y = np.asarray(model(xs if len(xs) > 1 else xs[0]))
    model.compile("adam", "mse")
    model.fit(xs if len(xs) > 1 else xs[0], RANDOM.normal(0, 1, y.shape), epochs=2, verbose=0)
    spread(model)
    xs = [RANDOM.normal(0, 3, (16, *shape)).astype(np.float32) for shape in shapes]
    inner = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    whole = keras.Model(model.inputs, {layer.name: layer.output for layer in inner})
    given = whole.predict(xs if len(xs) > 1 else xs[0], verbose=0)
    model.optimizer = None  # twice as large as the model
    model.save(FOLDER / f"{name}.keras")
    pack(FOLDER / f"{name}.keras")
    np.savez_compressed(FOLDER / f"{name}.npz", **{f"x{n}": x for n, x in enumerate(xs)}, **given)


def pack(path: Path) -> None:
    """Deflates the archive, most of which is HDF5's own bookkeeping."""
    with zipfile.ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for info, data in members:
            archive.writestr(zipfile.ZipInfo(info.filename), data, zipfile.ZIP_DEFLATED)


SATURATING = {"default_q_type": "kbi", "overflow_mode": "SAT_SYM", "round_mode": "RND"}
WRAPPING = {"default_q_type": "kif", "overflow_mode": "WRAP", "round_mode": "RND"}


def dense() -> None:
    """A vector through two products, a width for each value and weight."""
    a, b, c = scopes(SATURATING, WRAPPING)
    with a, b, c:
        model = keras.Sequential(
            [keras.Input((8,)), layers.QDense(6, activation="relu"), layers.QDense(3, enable_oq=True)]
        )
    keep("dense", model, (8,))


def even() -> None:
    """Half to even and truncation; values that saturate; one width for all."""
    values = {"default_q_type": "kif", "overflow_mode": "SAT", "round_mode": "RND_CONV", "homogeneous_axis": (0, 1)}
    a, b, c = scopes({**SATURATING, "round_mode": "TRN", "overflow_mode": "SAT"}, values)
    with a, b, c:
        inputs = keras.Input((6,))
        x = layers.QDense(5, activation="relu")(inputs)
        x = layers.QBatchNormDense(4)(x)
        model = keras.Model(inputs, Quantizer(QuantizerConfig("kif", "datalane"))(x))
    keep("even", model, (6,))


def picture() -> None:
    """Images: convolution, normalisation, a residual sum, pooling."""
    a, b, c = scopes(SATURATING, WRAPPING)
    with a, b, c:
        inputs = keras.Input((6, 6, 2))
        x = layers.QConv2D(4, 3, padding="same", activation="relu")(inputs)
        y = layers.QBatchNormalization()(x)
        x = layers.QMaxPooling2D(2)(layers.QAdd()([x, y]))
        x = keras.layers.Flatten()(x)
        model = keras.Model(inputs, layers.QDense(3, enable_oq=True)(x))
    keep("picture", model, (6, 6, 2))


def stream() -> None:
    """Causal convolutions, with a width for each channel but none for each step, so that it streams."""
    # HGQ2 pads by itself what is causal, but not where it counts operations.
    values = {**WRAPPING, "homogeneous_axis": (0, 1)}
    a, b, c = scopes(SATURATING, values)
    with a, b, c, LayerConfigScope(enable_ebops=False):
        model = keras.Sequential(
            [
                keras.Input((20, 2)),
                layers.QConv1D(4, 3, padding="causal", activation="relu"),
                layers.QConv1D(4, 2, dilation_rate=3, padding="causal", activation="relu"),
                layers.QEinsumDense("abc,cd->abd", (20, 2), bias_axes="d", enable_oq=True),
            ]
        )
    keep("stream", model, (20, 2))


def several() -> None:
    """Two inputs: product, difference, extreme."""
    a, b, c = scopes(SATURATING, {**WRAPPING, "overflow_mode": "SAT_SYM"})
    with a, b, c:
        inputs = [keras.Input((5,)), keras.Input((5,))]
        x = layers.QMultiply()(inputs)
        x = layers.QSubtract()([x, inputs[0]])
        x = layers.QMaximum(enable_oq=True)([x, inputs[1]])
        model = keras.Model(inputs, x)
    keep("several", model, (5,), (5,))


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    for make in (dense, even, picture, stream, several):
        make()
    print(*sorted(path.name for path in FOLDER.glob("*.keras")), file=sys.stderr)
