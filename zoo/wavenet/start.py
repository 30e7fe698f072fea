"""Where training starts."""

from typing import Any

import numpy as np


def pass_through(model: Any, *, noise: float = 0.25) -> None:
    """Sets initial weights near the identity: channel i of every convolution starts as its newest input i.

    A network that is four channels wide dies easily. One relu that starts shut, and whatever that channel carried is
    lost to every later layer; from the usual random weights, one seed in two ends twice as far from its targets as
    the other. So the core and the embedding get a path through all layers, and the random part is scaled down.

    Args:
        model: a stack of convolutions with kernels of shape (kernel_size, inputs, filters), in either Keras, freshly
            built; its random weights become the noise.
        noise: factor on the random weights.
    """
    for layer in model.layers:
        if layer.weights:
            kernel, *rest = layer.get_weights()
            _, inputs, filters = kernel.shape
            kernel = noise * kernel
            kernel[-1] += np.eye(inputs, filters)  # the last tap is the newest sample
            layer.set_weights([kernel, *rest])
