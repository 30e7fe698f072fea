"""The integer program, which knows no line of the compiler, computes what builds over frames do in C."""

import numpy as np
import pytest
from frame_program import FrameProgram
from models import randomize

import compiler


def embedding():
    """The 32 x 32 network of the zoo, narrower, up to its embedding."""
    import keras
    from keras import layers

    x = i = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255)(x)
    for filters in (3, 4, 5):
        x = layers.Conv2D(filters, 3, strides=2, activation="relu")(x)
    return keras.Model(i, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def blocks():
    import keras
    from keras import layers

    x = i = keras.Input((6, 5, 2))
    x = layers.Conv2D(4, 3, padding="same", groups=2, activation="relu")(x)
    x = layers.Add()([x, layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)(x)])
    p = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    x = layers.Concatenate()([p, layers.MaxPooling2D(3, strides=2, padding="same")(x)])
    x = layers.Conv2DTranspose(3, 3, strides=2)(layers.ZeroPadding2D(1)(x))
    x = layers.Permute((3, 1, 2))(layers.Cropping2D(1)(layers.UpSampling2D((1, 2))(x)))
    x = layers.Multiply()([x, layers.Conv2D(1, 1, activation="tanh")(x)])
    return keras.Model(i, layers.GlobalMaxPooling2D()(layers.LeakyReLU()(x)))


def line():
    import keras
    from keras import layers

    x = i = keras.Input((9, 3))
    x = layers.Conv1D(4, 3, strides=2, padding="same")(x)
    x = layers.Maximum()([x, layers.SeparableConv1D(4, 3, padding="same")(x)])
    x = layers.Subtract()([x, layers.MaxPooling1D(2, strides=1, padding="same")(x)])
    return keras.Model(i, layers.Dense(3)(layers.Flatten()(layers.AveragePooling1D(2)(x))))


@pytest.mark.parametrize(("make", "numbers"), [(embedding, "q15"), (blocks, "16x8"), (blocks, "8"), (line, "8")])
def test_frames_in_c_are_those_of_the_integer_program(make, numbers, tmp_path):
    rng = np.random.default_rng(7)
    model = randomize(make(), 1)
    shape = model.input_shape[1:]
    lo, hi = (0, 255) if make is embedding else (-1, 1)
    build = compiler.compile(
        model,
        "mcu",
        numbers=numbers,
        mode="frame",
        name="net",
        out=tmp_path / "net",
        input_range=(lo, hi),
        calibrate=rng.uniform(lo, hi, (20, *shape)),
    )
    format = build.graph.inputs[0].format
    x = rng.integers(format.lo, format.hi + 1, (2, *shape))
    x[1] = rng.choice([format.lo, format.hi], shape)
    program = FrameProgram(tmp_path / "net")
    wanted = np.array(program.run(x.reshape(2, -1).tolist()))
    assert np.ptp(wanted) > 0
    for on in ("reference", "host"):
        assert np.array_equal(build.run(x, on, raw=True).reshape(2, -1), wanted), on
