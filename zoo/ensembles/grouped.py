"""A stack as grouped convolutions of Keras' own layers: one layer where the stack has M."""

from typing import Any

import keras
import numpy as np

from zoo.ensembles.stacked import Stacked


def grouped(stack: Stacked, *, name: str = "grouped") -> keras.Model:
    """The same function as the stack, of Keras' own layers alone, for compilers and accelerators.

    The members' channels stand side by side: the first convolution has all their filters, each further one is grouped
    by member. A dense layer is a convolution too, with one kernel position, or after flattening with as many as there
    are left. On a CPU, Keras sends grouped convolutions through XLA; see `Stacked` for what that costs.

    Args:
        stack: built; its member is a plain sequence of Conv2D, Flatten and Dense, in this order, channels last.
        name: name of the model.

    Returns:
        A functional model from (batch, *input) to (batch, M, outputs); weights are copied, not shared.

    Raises:
        ValueError: another layer, or another order.
    """
    members = stack.members
    weights = [stack.get_member_weights(index) for index in range(members)]
    images = x = keras.Input(stack.member.input_shape[1:], name="images")
    window: tuple[int, int] | None = None  # what the next dense layer covers, once the images are flattened
    position, groups = 0, 1  # the first convolution's members share their input
    kernels: list[tuple[keras.layers.Layer, list[np.ndarray]]] = []
    for layer in stack.member.layers[1:]:
        count = len(layer.weights)
        held = [np.stack([one[position + index] for one in weights]) for index in range(count)]
        position += count
        config = layer.get_config()
        if type(layer) is keras.layers.Flatten and len(images.shape) == 4 and window is None:
            window = tuple(x.shape[1:3])
            continue
        if type(layer) is keras.layers.Conv2D and layer.groups == 1 and window is None:
            made = keras.layers.Conv2D.from_config({**config, "filters": members * layer.filters, "groups": groups})
        elif type(layer) is keras.layers.Dense and window is not None:
            channels = x.shape[-1] // groups
            held[0] = held[0].reshape(members, *window, channels, layer.units)
            made = _dense(layer, members, window, groups)
            window = (1, 1)
        else:
            raise ValueError(f"{layer.name} ({type(layer).__name__}) has no grouped form here")
        x = made(x)
        kernel = np.moveaxis(held[0], 0, -2)  # (height, width, in, M, out)
        kernels.append((made, [kernel.reshape(*kernel.shape[:3], -1), *(bias.reshape(-1) for bias in held[1:])]))
        groups = members
    if window != (1, 1):
        raise ValueError(f"{stack.member.name} does not end in a dense layer")
    model = keras.Model(images, keras.layers.Reshape((members, -1), name="members")(x), name=name)
    for made, held in kernels:
        made.set_weights(held)
    return model


def _dense(layer: Any, members: int, window: tuple[int, int], groups: int) -> keras.layers.Conv2D:
    """A dense layer of each member, as a convolution that covers all there is."""
    return keras.layers.Conv2D(
        members * layer.units,
        window,
        groups=groups,
        activation=layer.activation,
        use_bias=layer.use_bias,
        name=layer.name,
    )
