"""A dense layer for each of M members that share one kernel."""

from typing import Any

import keras
from keras import ops

Tensor = Any


@keras.saving.register_keras_serializable(package="zoo")
class BatchEnsembleDense(keras.layers.Layer):
    """Dense, with kernel W * outer(r_m, s_m) and bias b_m for member m: one kernel, and three vectors a member.

    Args:
        units: outputs of each member.
        members: M.
        activation: of the output.
        use_bias: whether there are biases.
        kernel_initializer: of the shared kernel.
        factor_initializer: of r and s; by default normal about 1, so that members differ from the start.
        **kwargs: as `keras.layers.Layer`.

    Reference:
        Wen, Tran, Ba 2020, "BatchEnsemble: an alternative approach to efficient ensemble and lifelong learning".
    """

    def __init__(
        self,
        units: int,
        members: int,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        factor_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units < 1 or members < 1:
            raise ValueError(f"units and members are at least 1, not {units} and {members}")
        self.units, self.members, self.use_bias = units, members, use_bias
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.factor_initializer = keras.initializers.get(
            factor_initializer or keras.initializers.RandomNormal(mean=1.0, stddev=0.5)
        )

    def build(self, input_shape: Any) -> None:
        """The shared kernel and each member's factors."""
        if len(input_shape) not in (2, 3) or (len(input_shape) == 3 and input_shape[1] != self.members):
            raise ValueError(f"input is (batch, channels) or (batch, {self.members}, channels), not {input_shape}")
        channels = input_shape[-1]
        initializer = self.factor_initializer
        self.kernel = self.add_weight((channels, self.units), initializer=self.kernel_initializer, name="kernel")
        self.r = self.add_weight((self.members, channels), initializer=initializer, name="r")
        self.s = self.add_weight((self.members, self.units), initializer=again(initializer), name="s")
        self.bias = (
            self.add_weight((self.members, self.units), initializer="zeros", name="bias") if self.use_bias else None
        )

    def call(self, inputs: Tensor) -> Tensor:
        """(batch, M, units) for inputs (batch, channels), which the members share, or (batch, M, channels)."""
        x = inputs[:, None] if len(inputs.shape) == 2 else inputs
        x = ops.matmul(x * self.r, self.kernel) * self.s
        return self.activation(x if self.bias is None else x + self.bias)

    def member(self, index: int) -> keras.layers.Dense:
        """One member as a Dense layer of its own, weights copied."""
        channels = self.kernel.shape[0]
        dense = keras.layers.Dense(self.units, activation=self.activation, use_bias=self.use_bias)
        dense.build((None, channels))
        kernel = self.kernel * self.r[index][:, None] * self.s[index]
        dense.set_weights([ops.convert_to_numpy(v) for v in (kernel, *([self.bias[index]] if self.use_bias else []))])
        return dense

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, M, units)."""
        return (input_shape[0], self.members, self.units)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {
            **super().get_config(),
            "units": self.units,
            "members": self.members,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "factor_initializer": keras.initializers.serialize(self.factor_initializer),
        }


def again(initializer: keras.initializers.Initializer) -> keras.initializers.Initializer:
    """An initializer for a second variable, whose values are not to be those of the first; seeds move on by one."""
    config = initializer.get_config()
    if isinstance(config.get("seed"), int):
        config["seed"] += 1
    return type(initializer).from_config(config)
