"""The activation functions of Neural Amp Modeler, by the names in its files."""

from collections.abc import Callable
from typing import Any

import keras

from zoo.captures.fields import Fields

Function = Callable[[keras.KerasTensor, str], keras.KerasTensor]

_PLAIN = {
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "ReLU": "relu",
    "SiLU": "silu",
    "Hardtanh": "hard_tanh",
    "Softsign": "softsign",
    "Hardswish": "hard_silu",
}


def activation(value: Any, where: str) -> Function:
    """What applies an activation to a tensor, as a layer of a given name.

    Args:
        value: a name, or a group with `type` and parameters.
        where: its place in the file, for messages.
    """
    fields = Fields({"type": value} if isinstance(value, str) else value if isinstance(value, dict) else {}, where)
    kind = fields.take("type", str)
    if kind == "LeakyReLU":
        slope = fields.take("negative_slope", float, 0.01)
        fields.done()
        return lambda x, name: keras.layers.LeakyReLU(negative_slope=slope, name=name)(x)
    fields.done()
    if kind not in _PLAIN:
        raise ValueError(f"{where}: the activation '{kind}' is none of {', '.join(sorted([*_PLAIN, 'LeakyReLU']))}")
    return lambda x, name: keras.layers.Activation(_PLAIN[kind], name=name)(x)
