"""The table of layers and attributes that the compiler is held to: one small model for each line.

The README's support table is generated from it (support_table.py), test_layers.py holds lowering to it, and
tests/end_to_end the generated C.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
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
        return getattr(namespace, self.class_name)(*map(made, self.args), **kwargs)

    def __str__(self) -> str:
        def shown(thing: Any) -> str:
            return str(thing).replace(" ", "").replace("'", "")

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


def built(cases: list[Case] | None = None, seed: int = 0) -> Iterator[tuple[Case, Any, list[np.ndarray]]]:
    """Each case with its model and its inputs."""
    for case in CASES if cases is None else cases:
        yield case, case.model(seed), case.inputs(seed)


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

ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "softplus", "softsign"),
    *("squareplus", "soft_shrink", "hard_shrink", "tanh_shrink", "sparse_plus", "sparse_sigmoid", "hard_sigmoid"),
    *("hard_silu", "hard_swish", "hard_tanh", "exponential", "log_sigmoid", "tanh", "sigmoid", "linear"),
    *("softmax", "log_softmax"),
)
KERAS_2_ACTIVATIONS = ("hard_sigmoid", "gelu", "swish", "mish", "leaky_relu", "relu6", "elu", "softmax", "exponential")

ACTIVATION_CASES = [
    *rows("S", TIME, *(make("Activation", name) for name in ACTIVATIONS)),
    *rows("S", TIME, *(make("Activation", name) for name in KERAS_2_ACTIVATIONS), library="tf_keras"),
    *rows("S", (None, 4), make("Activation", "glu")),
    *rows("S", TIME, make("Dense", 4, activation="gelu"), make("Dense", 4, activation="softmax")),
    *rows("S", TIME, make("Conv1D", 4, 2, padding="causal", activation="glu")),
    *rows("S", TIME, make("Dense", 4, activation=make("LeakyReLU", 0.1))),
    *rows("S", TIME, make("Dense", 4, activation=make("ReLU", max_value=0.5, negative_slope=0.25))),
    *rows("F", FRAME, make("Activation", make("Softmax", axis=1))),
    *rows(
        "S",
        TIME,
        make("ReLU"),
        make("ReLU", max_value=1.0),
        make("ReLU", max_value=6.0),
        make("ReLU", negative_slope=0.1),
        make("ReLU", threshold=0.5),
        make("ReLU", max_value=1.0, negative_slope=0.1, threshold=0.5),
        make("LeakyReLU"),
        make("LeakyReLU", negative_slope=0.05),
        make("ELU"),
        make("ELU", alpha=0.7),
        make("PReLU", shared_axes=[1]),
        make("PReLU", shared_axes=[1, 2]),
        make("Softmax"),
        make("Softmax", axis=-1),
        make("Softmax", axis=2),
    ),
    *rows(
        "F", FRAME, make("PReLU"), make("Softmax", axis=1), make("Softmax", axis=[1, 2]), make("PReLU", shared_axes=[2])
    ),
    *rows("S", TIME, make("LeakyReLU", alpha=0.05), make("ThresholdedReLU", 0.5), library="tf_keras"),
]

CONVOLUTION_CASES = [
    *rows(
        "S",
        TIME,
        make("Conv1D", 4, 3, padding="causal"),
        make("Conv1D", 4, 1),
        make("Conv1D", 4, 3, padding="causal", dilation_rate=4),
        make("Conv1D", 4, 2, padding="causal", use_bias=False),
        make("Conv1D", 6, 3, padding="causal", groups=3),
        make("Conv1D", 3, 3, padding="causal", groups=3, dilation_rate=2),
        make("Conv1D", 4, 3),
        make("Conv1D", 4, 3, dilation_rate=3),
        make("Conv1D", 4, 3, activation="tanh"),
        make("Conv1D", 4, 1, padding="same"),
        make("SeparableConv1D", 4, 3),
        make("SeparableConv1D", 4, 3, depth_multiplier=2, use_bias=False),
        make("SeparableConv1D", 4, 2, dilation_rate=3, activation="relu"),
        make("DepthwiseConv1D", 3),
        make("DepthwiseConv1D", 3, depth_multiplier=2),
        make("DepthwiseConv1D", 2, dilation_rate=4, use_bias=False, activation="tanh"),
    ),
    *rows("S", (None, 4), make("Conv1D", 6, 3, padding="causal", groups=2), make("Conv1D", 4, 3, groups=2)),
    *rows("S", TIME, make("SeparableConv1D", 4, 3, padding="causal"), library="tf_keras"),
    *rows(
        "F",
        FRAME,
        make("Conv1D", 4, 3, padding="same"),
        make("Conv1D", 4, 4, padding="same", dilation_rate=2),
        make("Conv1D", 4, 4, padding="same", strides=3),
        make("Conv1D", 4, 3, padding="same", strides=5),
        make("Conv1D", 4, 3, strides=2),
        make("Conv1D", 4, 3, padding="causal", strides=2),
        make("Conv1D", 6, 4, padding="same", groups=3, strides=2),
        make("SeparableConv1D", 4, 3, padding="same"),
        make("SeparableConv1D", 4, 3, padding="same", strides=2),
        make("SeparableConv1D", 4, 4, strides=3, depth_multiplier=2),
        make("DepthwiseConv1D", 4, padding="same"),
        make("DepthwiseConv1D", 3, padding="same", strides=2),
        make("DepthwiseConv1D", 3, strides=3, depth_multiplier=2),
        make("Conv1DTranspose", 4, 3),
        make("Conv1DTranspose", 4, 3, use_bias=False, activation="relu"),
        make("Conv1DTranspose", 4, 3, strides=2),
        make("Conv1DTranspose", 4, 2, strides=3),
        make("Conv1DTranspose", 4, 4, strides=2, padding="same"),
        make("Conv1DTranspose", 4, 3, strides=2, padding="same"),
        make("Conv1DTranspose", 4, 5, padding="same"),
        make("Conv1DTranspose", 4, 2, strides=3, padding="same"),
        make("Conv1DTranspose", 4, 3, strides=3, output_padding=1),
        make("Conv1DTranspose", 4, 3, strides=3, output_padding=1, padding="same"),
    ),
    *rows(
        "F",
        IMAGE,
        make("Conv2D", 4, 3),
        make("Conv2D", 4, (2, 3), use_bias=False),
        make("Conv2D", 4, 3, padding="same"),
        make("Conv2D", 4, (4, 2), padding="same"),
        make("Conv2D", 4, 3, strides=2),
        make("Conv2D", 4, 3, strides=(2, 3), padding="same"),
        make("Conv2D", 4, 4, strides=3, padding="same"),
        make("Conv2D", 4, 2, dilation_rate=(3, 2)),
        make("Conv2D", 4, 3, dilation_rate=2, padding="same"),
        make("Conv2D", 6, 3, groups=3),
        make("Conv2D", 6, 3, groups=3, padding="same", strides=2),
        make("Conv2D", 4, 1, activation="relu"),
        make("DepthwiseConv2D", 3),
        make("DepthwiseConv2D", (2, 3), depth_multiplier=2, padding="same"),
        make("DepthwiseConv2D", 3, strides=2, padding="same", use_bias=False),
        make("DepthwiseConv2D", 2, dilation_rate=2, activation="relu"),
        make("SeparableConv2D", 4, 3),
        make("SeparableConv2D", 4, (3, 2), depth_multiplier=2, padding="same"),
        make("SeparableConv2D", 4, 3, strides=2, padding="same", activation="tanh"),
        make("SeparableConv2D", 4, 2, dilation_rate=2, use_bias=False),
        make("Conv2DTranspose", 4, 3),
        make("Conv2DTranspose", 4, 3, strides=2),
        make("Conv2DTranspose", 4, (2, 3), strides=(2, 1), padding="same"),
        make("Conv2DTranspose", 4, 3, strides=2, padding="same", output_padding=1),
    ),
]

DENSE_CASES = [
    *rows("S", TIME, make("Dense", 4), make("Dense", 4, use_bias=False), make("Dense", 1, activation="tanh")),
    *rows("S", (None, 4, 3), make("Dense", 2), make("Dense", 2, activation="softmax")),
    *rows("F", (5,), make("Dense", 4), make("Dense", 4, activation="softmax")),
    *rows(
        "S",
        TIME,
        make("EinsumDense", "abc,cd->abd", output_shape=(None, 4)),
        make("EinsumDense", "abc,cd->abd", output_shape=(None, 4), bias_axes="d"),
        make("EinsumDense", "...x,xy->...y", output_shape=4, bias_axes="y", activation="relu"),
        make("EinsumDense", "abc,dc->abd", output_shape=(None, 4)),
        make("EinsumDense", "abc,cde->abde", output_shape=(None, 4, 2), bias_axes="de"),
        make("EinsumDense", "abc,cde->abde", output_shape=(None, 4, 2), bias_axes="d"),
    ),
    *rows(
        "S",
        (None, 4, 3),
        make("EinsumDense", "abcd,cde->abe", output_shape=(None, 2), bias_axes="e"),
        make("EinsumDense", "abcd,de->abce", output_shape=(None, 4, 2), bias_axes="ce"),
    ),
    *rows("F", FRAME, make("EinsumDense", "abc,cd->abd", output_shape=(12, 4), bias_axes="bd")),
    *rows("F", FRAME, make("EinsumDense", "abc,bcd->ad", output_shape=4, bias_axes="d")),
]

NORMALIZATION_CASES = [
    *rows(
        "S",
        TIME,
        make("BatchNormalization"),
        make("BatchNormalization", scale=False),
        make("BatchNormalization", center=False),
        make("BatchNormalization", scale=False, center=False, epsilon=0.1),
        make("BatchNormalization", axis=2),
        make("LayerNormalization"),
        make("LayerNormalization", center=False),
        make("LayerNormalization", scale=False, epsilon=0.1),
        make("LayerNormalization", axis=2),
        make("RMSNormalization"),
        make("RMSNormalization", epsilon=0.1),
        make("UnitNormalization"),
        make("Normalization", mean=[0.1, 0.2, -0.3], variance=[0.5, 1.0, 2.0]),
        make("Normalization", mean=0.3, variance=2.0),
        make("Normalization", mean=0.3, variance=2.0, axis=None),
        make("Normalization", mean=[0.1, 0.2, -0.3], variance=[0.5, 1.0, 2.0], invert=True),
        make("Normalization"),
        make("Rescaling", 0.25),
        make("Rescaling", 0.25, offset=-0.5),
        make("Rescaling", [0.5, 1.0, 2.0], offset=[0.1, 0.2, 0.3]),
    ),
    *rows(
        "S",
        (None, 4, 6),
        make("BatchNormalization"),
        make("BatchNormalization", axis=2),
        make("LayerNormalization", axis=[2, 3]),
        make("LayerNormalization", axis=2),
        make("RMSNormalization", axis=[2, 3]),
        make("UnitNormalization", axis=2),
        make("UnitNormalization", axis=[2, 3]),
    ),
    *rows(
        "F",
        (12, 6),
        make("BatchNormalization", axis=1),
        make("LayerNormalization", axis=1),
        make("LayerNormalization", axis=[1, 2]),
        make("GroupNormalization", groups=3),
        make("GroupNormalization", groups=2, center=False),
        make("GroupNormalization", groups=1, scale=False, epsilon=0.1),
        make("GroupNormalization", groups=-1),
        make("GroupNormalization", groups=4, axis=1),
        make("UnitNormalization", axis=1),
        make("Normalization", axis=1),
    ),
    *rows("F", IMAGE, make("BatchNormalization", axis=1), make("GroupNormalization", groups=3)),
    *rows("S", (None, 7, 3), make("BatchNormalization"), make("LayerNormalization", axis=[2, 3])),
]

MERGING_CASES = [
    *rows(
        "S",
        [TIME, TIME],
        *(make(name) for name in ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Concatenate")),
        make("Concatenate", axis=2),
    ),
    *rows("S", [TIME, TIME, TIME], *(make(name) for name in ("Add", "Multiply", "Average", "Maximum", "Concatenate"))),
    *rows("S", [TIME, (None, 1)], make("Add"), make("Multiply"), make("Concatenate")),
    *rows("F", [FRAME, FRAME], make("Concatenate", axis=1), make("Dot", axes=2), make("Dot", axes=1)),
    *rows("F", [FRAME, (1, 3)], make("Add"), make("Maximum")),
    *rows("F", [FRAME, (3,)], make("Multiply")),
    *rows("F", [(5,), (5,)], make("Add"), make("Dot", axes=1), make("Dot", axes=-1, normalize=True)),
    *rows("F", [FRAME, (3, 4)], make("Dot", axes=(2, 1)), make("Dot", axes=(2, 1), normalize=True)),
    *rows("F", [(3, 4, 5), (2, 5)], make("Dot", axes=(3, 2)), make("Dot", axes=-1)),
]

POOLING_CASES = [
    *rows(
        "F",
        FRAME,
        *(
            make(name, *args, **kwargs)
            for name in ("MaxPooling1D", "AveragePooling1D")
            for args, kwargs in (
                ((2,), {}),
                ((3,), {"padding": "same"}),
                ((3,), {"strides": 1}),
                ((4,), {"strides": 3, "padding": "same"}),
            )
        ),
        make("GlobalMaxPooling1D"),
        make("GlobalMaxPooling1D", keepdims=True),
        make("GlobalAveragePooling1D"),
        make("GlobalAveragePooling1D", keepdims=True),
    ),
    *rows(
        "F",
        IMAGE,
        *(
            make(name, *args, **kwargs)
            for name in ("MaxPooling2D", "AveragePooling2D")
            for args, kwargs in (
                ((2,), {}),
                (((2, 3),), {"padding": "same"}),
                ((3,), {"strides": (1, 2)}),
                ((3,), {"strides": 2, "padding": "same"}),
            )
        ),
        make("GlobalMaxPooling2D"),
        make("GlobalMaxPooling2D", keepdims=True),
        make("GlobalAveragePooling2D"),
        make("GlobalAveragePooling2D", keepdims=True),
    ),
]

RESHAPING_CASES = [
    *rows("F", FRAME, make("Flatten"), make("Reshape", (6, 6)), make("Reshape", (-1, 4)), make("Reshape", (36,))),
    *rows("F", FRAME, make("Permute", (2, 1)), make("UpSampling1D", 2), make("UpSampling1D", 3)),
    *rows("F", FRAME, make("ZeroPadding1D", 2), make("ZeroPadding1D", (1, 3)), make("ZeroPadding1D", (0, 2))),
    *rows("F", FRAME, make("Cropping1D", 2), make("Cropping1D", (1, 3)), make("Cropping1D", (0, 2))),
    *rows("S", TIME, make("Cropping1D", (3, 0)), make("Reshape", (-1, 3, 1)), make("UpSampling1D", 1)),
    *rows("S", (None, 4, 3), make("Reshape", (-1, 12)), make("Reshape", (-1, 6, 2)), make("Permute", (1, 3, 2))),
    *rows("S", (None, 7, 3), make("Reshape", (-1, 21)), make("Cropping2D", ((1, 0), (2, 3)))),
    *rows("F", (5,), make("RepeatVector", 4), make("Flatten"), make("Reshape", (5, 1))),
    *rows(
        "F",
        IMAGE,
        make("Flatten"),
        make("Permute", (3, 1, 2)),
        make("ZeroPadding2D", 2),
        make("ZeroPadding2D", (1, 2)),
        make("ZeroPadding2D", ((1, 0), (2, 3))),
        make("Cropping2D", 1),
        make("Cropping2D", (1, 2)),
        make("UpSampling2D"),
        make("UpSampling2D", (2, 3)),
    ),
]

RECURRENT_CASES = [
    *rows(
        "S",
        TIME,
        make("SimpleRNN", 4, return_sequences=True),
        make("SimpleRNN", 4, return_sequences=True, activation="relu", use_bias=False),
        make("GRU", 4, return_sequences=True),
        make("GRU", 4, return_sequences=True, reset_after=False),
        make("GRU", 4, return_sequences=True, use_bias=False),
        make("GRU", 4, return_sequences=True, reset_after=False, use_bias=False),
        make("GRU", 4, return_sequences=True, activation="softsign", recurrent_activation="hard_sigmoid"),
        make("GRU", 4, return_sequences=True, dropout=0.2, recurrent_dropout=0.2),
        make("LSTM", 4, return_sequences=True),
        make("LSTM", 4, return_sequences=True, use_bias=False),
        make("LSTM", 4, return_sequences=True, unit_forget_bias=False),
        make("LSTM", 4, return_sequences=True, activation="gelu", recurrent_activation="sparse_sigmoid"),
        make("RNN", make("GRUCell", 4), return_sequences=True),
        make("RNN", make("LSTMCell", 4, activation="relu6"), return_sequences=True),
        make("RNN", make("SimpleRNNCell", 4), return_sequences=True),
        make("RNN", make("StackedRNNCells", [make("GRUCell", 4), make("LSTMCell", 2)]), return_sequences=True),
    ),
    *rows("S", TIME, make("GRU", 4, return_sequences=True), make("LSTM", 4, return_sequences=True), library="tf_keras"),
    *rows(
        "S",
        TIME,
        make("LSTM", 4, return_sequences=True, recurrent_activation="hard_sigmoid"),
        make("GRU", 4, return_sequences=True, reset_after=False, recurrent_activation="hard_sigmoid"),
        library="tf_keras",
    ),
    *rows(
        "F",
        FRAME,
        make("SimpleRNN", 4),
        make("SimpleRNN", 4, go_backwards=True, return_sequences=True),
        make("SimpleRNN", 4, return_state=True),
        make("GRU", 4),
        make("GRU", 4, reset_after=False, go_backwards=True),
        make("GRU", 4, go_backwards=True, return_sequences=True),
        make("GRU", 4, unroll=True),
        make("GRU", 4, return_state=True, return_sequences=True),
        make("LSTM", 4),
        make("LSTM", 4, go_backwards=True),
        make("LSTM", 4, go_backwards=True, return_sequences=True),
        make("LSTM", 4, return_state=True),
        make("LSTM", 4, return_state=True, return_sequences=True, go_backwards=True),
        make("RNN", make("StackedRNNCells", [make("GRUCell", 4), make("GRUCell", 2)])),
    ),
]

WRAPPER_CASES = [
    *rows(
        "F",
        FRAME,
        make("Bidirectional", make("GRU", 4)),
        make("Bidirectional", make("GRU", 4, return_sequences=True)),
        make("Bidirectional", make("LSTM", 4, return_sequences=True), merge_mode="sum"),
        make("Bidirectional", make("LSTM", 4), merge_mode="mul"),
        make("Bidirectional", make("SimpleRNN", 4, return_sequences=True), merge_mode="ave"),
        make("Bidirectional", make("GRU", 4, return_sequences=True, use_bias=False), merge_mode=None),
        make("Bidirectional", make("LSTM", 4, return_sequences=True, return_state=True)),
        make(
            "Bidirectional",
            make("GRU", 4, return_sequences=True),
            backward_layer=make("GRU", 4, return_sequences=True, go_backwards=True, reset_after=False),
        ),
    ),
    *rows("F", FRAME, make("Bidirectional", make("LSTM", 4, return_sequences=True)), library="tf_keras"),
    *rows(
        "S",
        TIME,
        make("TimeDistributed", make("Dense", 4)),
        make("TimeDistributed", make("Activation", "tanh")),
        make("TimeDistributed", make("BatchNormalization")),
        make("TimeDistributed", make("LayerNormalization")),
        make("TimeDistributed", make("Dropout", 0.5)),
    ),
    *rows(
        "S", (None, 4, 3), make("TimeDistributed", make("Flatten")), make("TimeDistributed", make("Permute", (2, 1)))
    ),
    *rows(
        "S",
        (None, 4, 3),
        make("TimeDistributed", make("GlobalMaxPooling1D")),
        make("TimeDistributed", make("MaxPooling1D", 2)),
        make("TimeDistributed", make("Softmax", axis=1)),
    ),
    *rows("S", (None, 5, 5, 2), make("TimeDistributed", make("MaxPooling2D"))),
    *rows(
        "F",
        (5, 4, 3),
        make("TimeDistributed", make("Conv1D", 2, 3)),
        make("TimeDistributed", make("Conv1D", 2, 3, padding="same")),
        make("TimeDistributed", make("GRU", 2)),
        make("TimeDistributed", make("LSTM", 2, return_sequences=True)),
        make("TimeDistributed", make("Bidirectional", make("GRU", 2))),
    ),
    *rows(
        "F",
        (4, 5, 5, 2),
        make("TimeDistributed", make("Conv2D", 3, 2)),
        make("TimeDistributed", make("Conv2DTranspose", 3, 2)),
    ),
]

EMBEDDING_CASES = [
    *rows("S", (None, 1), make("Embedding", 7, 3), make("Embedding", 9, 1), values="tokens"),
    *rows("F", (6,), make("Embedding", 7, 3), values="tokens"),
]

NO_OP_CASES = [
    *rows(
        "S",
        TIME,
        make("Dropout", 0.5),
        make("Dropout", 0.5, noise_shape=(None, 1, 3), seed=3),
        make("SpatialDropout1D", 0.5),
        make("AlphaDropout", 0.5),
        make("GaussianDropout", 0.5),
        make("GaussianNoise", 0.5),
        make("ActivityRegularization", l1=0.1, l2=0.1),
        make("Identity"),
    ),
    *rows(
        "S",
        IMAGE,
        make("SpatialDropout2D", 0.5),
        make("AugMix"),
        make("CutMix"),
        make("MixUp"),
        make("RandAugment"),
        make("RandomBrightness", 0.1),
        make("RandomColorDegeneration", 0.1),
        make("RandomColorJitter"),
        make("RandomContrast", 0.1),
        make("RandomElasticTransform"),
        make("RandomErasing"),
        make("RandomFlip"),
        make("RandomGaussianBlur"),
        make("RandomGrayscale"),
        make("RandomHue", 0.1),
        make("RandomInvert"),
        make("RandomPerspective"),
        make("RandomPosterization", 2),
        make("RandomRotation", 0.1),
        make("RandomSaturation", 0.1),
        make("RandomSharpness", 0.1),
        make("RandomShear", 0.1, 0.1),
        make("RandomTranslation", 0.1, 0.1),
        make("RandomZoom", 0.1),
    ),
]

KERNEL_QUANTIZERS = (
    "quantized_bits(8,2,alpha=1)",
    "quantized_bits(4,0,1,alpha=1)",
    "quantized_bits(4,0,keep_negative=False,alpha=1)",
    "quantized_bits(4,0,alpha=0.5)",
    "quantized_bits(4,0,alpha=0.3)",
    "quantized_bits(1,0,alpha=1)",
    "quantized_bits(4,0,alpha='auto')",
    "quantized_bits(4,1,alpha='auto_po2')",
    "quantized_bits(4,0)",
    "quantized_bits(4,0,use_stochastic_rounding=True,alpha=1)",
    "quantized_po2(4)",
    "quantized_po2(4,2)",
    "quantized_po2(5,quadratic_approximation=True)",
    "quantized_po2(4,log2_rounding='floor')",
    "quantized_relu_po2(4)",
    "quantized_relu_po2(4,2,negative_slope=0.25)",
    "ternary()",
    "ternary(alpha=1)",
    "ternary(alpha=0.7,threshold=0.2)",
    "ternary(alpha='auto')",
    "ternary(alpha='auto_po2',number_of_unrolls=3)",
    "binary()",
    "binary(alpha=1)",
    "binary(alpha=0.6,use_01=True)",
    "binary(alpha='auto')",
    "binary(alpha='auto_po2')",
)
ACTIVATION_QUANTIZERS = (
    "quantized_bits(8,2,alpha=1)",
    "quantized_bits(8,2)",
    "quantized_bits(6,1,1)",
    "quantized_bits(6,1,keep_negative=False)",
    "quantized_bits(6,1,alpha=0.3)",
    "quantized_bits(1,0)",
    "quantized_relu(6,1)",
    "quantized_relu(6,1,negative_slope=0.25)",
    "quantized_relu(6,1,relu_upper_bound=1.5,is_quantized_clip=False)",
    "quantized_relu(6,1,is_quantized_clip=False)",
    "quantized_tanh(6)",
    "quantized_tanh(6,symmetric=True,use_real_tanh=True)",
    "quantized_sigmoid(6)",
    "quantized_sigmoid(6,symmetric=True,use_real_sigmoid=True)",
    "ternary()",
    "ternary(alpha=0.7,threshold=0.2)",
    "binary()",
    "binary(use_01=True,alpha=0.6)",
    "relu",
    "tanh",
    "hard_sigmoid",
    "hard_tanh",
)

QKERAS_CASES = [
    *rows("S", TIME, *(make("QDense", 4, kernel_quantizer=q) for q in KERNEL_QUANTIZERS), library="qkeras"),
    *rows("S", TIME, *(make("QActivation", q) for q in ACTIVATION_QUANTIZERS), library="qkeras"),
    *rows(
        "S",
        TIME,
        make("QDense", 4, kernel_quantizer="quantized_bits(8,0,alpha=1)", bias_quantizer="quantized_bits(8,2)"),
        make("QDense", 4, kernel_quantizer="binary(alpha=1)", bias_quantizer="quantized_po2(4)", activation="tanh"),
        make(
            "QDense",
            4,
            use_bias=False,
            kernel_quantizer="quantized_bits(4,0,alpha=1)",
            activation="quantized_relu(6,2)",
        ),
        make("QDense", 4),
        make("QConv1D", 4, 3, padding="causal", kernel_quantizer="quantized_bits(4,0,alpha=1)"),
        make("QConv1D", 4, 3, padding="causal", dilation_rate=2, kernel_quantizer="quantized_bits(4,0,alpha='auto')"),
        make("QConv1D", 4, 3, padding="causal", kernel_quantizer="ternary()", bias_quantizer="quantized_bits(8,1)"),
        make("QConv1D", 4, 2, kernel_quantizer="quantized_po2(4)", activation="quantized_bits(6,2,alpha=1)"),
        make("QBatchNormalization"),
        make("QBatchNormalization", center=False, gamma_quantizer="quantized_relu_po2(6,2048)"),
        make("QBatchNormalization", scale=False, variance_quantizer=None, mean_quantizer="quantized_bits(8,2,alpha=1)"),
        make(
            "QSeparableConv1D", 4, 3, depthwise_quantizer="quantized_bits(4,0,alpha=1)", pointwise_quantizer="ternary()"
        ),
        library="qkeras",
    ),
    *rows(
        "F",
        IMAGE,
        make("QConv2D", 4, 3, kernel_quantizer="quantized_bits(4,0,alpha=1)"),
        make("QConv2D", 4, (2, 3), padding="same", strides=2, kernel_quantizer="quantized_bits(4,0,alpha='auto')"),
        make("QConv2D", 4, 3, dilation_rate=2, kernel_quantizer="binary()", bias_quantizer="quantized_bits(8,1)"),
        make("QDepthwiseConv2D", 3, depthwise_quantizer="quantized_bits(4,0,alpha=1)"),
        make("QDepthwiseConv2D", 2, depth_multiplier=2, padding="same", depthwise_quantizer="ternary(alpha='auto')"),
        make("QSeparableConv2D", 4, 3, depthwise_quantizer="quantized_po2(4)", pointwise_quantizer="binary()"),
        library="qkeras",
    ),
]

CASES = [
    *ACTIVATION_CASES,
    *CONVOLUTION_CASES,
    *DENSE_CASES,
    *NORMALIZATION_CASES,
    *MERGING_CASES,
    *POOLING_CASES,
    *RESHAPING_CASES,
    *RECURRENT_CASES,
    *WRAPPER_CASES,
    *EMBEDDING_CASES,
    *NO_OP_CASES,
    *QKERAS_CASES,
]
