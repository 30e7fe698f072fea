"""Keras layers with weights in PyTorch's layouts, applied to tensors of a functional model."""

import keras
import numpy as np

Tensor = keras.KerasTensor


def convolution(
    x: Tensor, kernel: np.ndarray, bias: np.ndarray | None, name: str, *, dilation: int = 1, groups: int = 1
) -> Tensor:
    """A causal convolution.

    Args:
        x: (batch, time, channels).
        kernel: (outputs, inputs / groups, taps), the last tap at the present.
        bias: (outputs,).
        name: of the layer.
        dilation: samples from tap to tap.
        groups: of channels.
    """
    outputs, _, taps = kernel.shape
    layer = keras.layers.Conv1D(
        *(outputs, taps), padding="causal", dilation_rate=dilation, groups=groups, use_bias=bias is not None, name=name
    )
    return _with(layer, x, [kernel.transpose(2, 1, 0), *([] if bias is None else [bias])])


def dense(x: Tensor, kernel: np.ndarray, bias: np.ndarray | None, name: str) -> Tensor:
    """A matrix (outputs, inputs) and a bias (outputs,) for each sample."""
    layer = keras.layers.Dense(kernel.shape[0], use_bias=bias is not None, name=name)
    return _with(layer, x, [kernel.T, *([] if bias is None else [bias])])


def lstm(x: Tensor, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, name: str) -> Tensor:
    """An LSTM over a stream.

    Args:
        x: (batch, time, inputs).
        kernel: (4 units, inputs), the gates in the order input, forget, cell, output, which is Keras' too.
        recurrent: (4 units, units).
        bias: (4 units,), the sum of both of PyTorch's.
        name: of the layer.
    """
    layer = keras.layers.LSTM(recurrent.shape[1], return_sequences=True, name=name)
    return _with(layer, x, [kernel.T, recurrent.T, bias])


def gru(x: Tensor, kernel: np.ndarray, recurrent: np.ndarray, biases: np.ndarray, name: str) -> Tensor:
    """A GRU over a stream, the reset gate applied after the recurrent product.

    Args:
        x: (batch, time, inputs).
        kernel: (3 units, inputs), the gates in the order reset, update, new; Keras has update first.
        recurrent: (3 units, units).
        biases: (2, 3 units), of the input and of the state.
        name: of the layer.
    """
    units = recurrent.shape[1]
    order = np.r_[units : 2 * units, :units, 2 * units : 3 * units]
    layer = keras.layers.GRU(units, return_sequences=True, reset_after=True, name=name)
    return _with(layer, x, [kernel[order].T, recurrent[order].T, biases[:, order]])


def _with(layer: keras.Layer, x: Tensor, weights: list[np.ndarray]) -> Tensor:
    y = layer(x)
    layer.set_weights(weights)
    return y
