"""The table of layers and attributes that the compiler is held to: one small model for each line.

The support table of docs/layers.md is generated from it (support_table.py), test_layers.py holds lowering to it, and
tests/end_to_end the generated C.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from case_tools import FRAME, IMAGE, TIME, Case, make, rows
from qkeras_cases import QKERAS_CASES
from recurrent_cases import EMBEDDING_CASES, NO_OP_CASES, RECURRENT_CASES, WRAPPER_CASES

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

# One-dimensional in truth: an axis of width 1, or a kernel as wide as its input, or one that moves along time alone.
CONVOLUTION_CASES += [
    *rows(
        "S",
        (None, 1, 3),
        make("Conv2D", 4, (3, 1)),
        make("Conv2D", 4, (2, 1), dilation_rate=(3, 1), activation="relu"),
        make("Conv2D", 6, (3, 1), groups=3, use_bias=False),
        make("Conv2D", 4, (1, 3), padding="same"),
        make("DepthwiseConv2D", (3, 1)),
        make("DepthwiseConv2D", (3, 1), depth_multiplier=2, dilation_rate=(2, 1), activation="relu"),
        make("SeparableConv2D", 4, (3, 1)),
        make("SeparableConv2D", 4, (2, 1), depth_multiplier=2, use_bias=False),
    ),
    *rows(
        "S",
        (None, 5, 3),
        make("Conv2D", 4, (3, 5)),
        make("Conv2D", 4, (2, 2), dilation_rate=(1, 4)),
        make("Conv2D", 4, (3, 1)),
        make("DepthwiseConv2D", (3, 1), depth_multiplier=2),
        make("SeparableConv2D", 4, (3, 1)),
    ),
    *rows("S", IMAGE, make("Conv2D", 4, 1, activation="relu"), make("DepthwiseConv2D", 1)),
    *rows("F", (12, 1, 3), make("Conv2D", 4, (3, 1), padding="same"), make("Conv2D", 4, (3, 1), strides=(2, 1))),
    *rows("F", (12, 5, 6), make("Conv2D", 6, (3, 1), groups=2)),
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
    *rows("S", [TIME, (1, 3)], make("Add"), make("Maximum")),
    *rows("S", [TIME, (3,)], make("Multiply"), make("Average")),
    *rows("S", [(1,), (None, 1)], make("Subtract")),
    *rows("F", [(5,), (5,)], make("Add"), make("Dot", axes=1), make("Dot", axes=-1, normalize=True)),
    *rows("F", [FRAME, (3, 4)], make("Dot", axes=(2, 1)), make("Dot", axes=(2, 1), normalize=True)),
    *rows("F", [(3, 4, 5), (2, 5)], make("Dot", axes=(3, 2)), make("Dot", axes=-1)),
]

MERGING_CASES += [
    *rows("F", [FRAME, FRAME], make("Attention"), make("Attention", use_scale=True, dropout=0.5)),
    *rows("F", [FRAME, (5, 3), (5, 3)], make("Attention")),
    *rows("F", [FRAME, FRAME], make("Attention"), library="tf_keras"),
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
                ((3,), {"strides": 1, "padding": "same"}),
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
                ((3,), {"strides": (1, 2), "padding": "same"}),
                ((3,), {"strides": 2, "padding": "same"}),
            )
        ),
        make("GlobalMaxPooling2D"),
        make("GlobalMaxPooling2D", keepdims=True),
        make("GlobalAveragePooling2D"),
        make("GlobalAveragePooling2D", keepdims=True),
    ),
]

POOLING_CASES += [
    *rows("S", TIME, *(make(f"{kind}Pooling1D", n, strides=1) for kind in ("Max", "Average") for n in (3, 1))),
    *rows(
        "S",
        (None, 4, 3),
        *(
            make(f"{kind}Pooling2D", size, strides=strides)
            for kind in ("Max", "Average")
            for size, strides in (((3, 1), 1), ((1, 2), (1, 2)), ((2, 3), 1))
        ),
        make("MaxPooling2D", (1, 3), strides=(1, 2), padding="same"),
        make("AveragePooling2D", (1, 3), strides=(1, 2), padding="same"),
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

# The plainest use of a class comes first.
CASES = [
    *DENSE_CASES,
    *CONVOLUTION_CASES,
    *ACTIVATION_CASES,
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


def built(cases: list[Case] | None = None, seed: int = 0) -> Iterator[tuple[Case, Any, list[np.ndarray]]]:
    """Each case with its model and its inputs."""
    for case in CASES if cases is None else cases:
        yield case, case.model(seed), case.inputs(seed)
