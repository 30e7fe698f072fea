"""A convolution for each of M members that share one kernel."""

from typing import Any

import keras
from keras import ops

from zoo.ensembles.batch_ensemble_dense import again

Tensor = Any


@keras.saving.register_keras_serializable(package="zoo")
class BatchEnsembleConv2D(keras.layers.Layer):
    """Conv2D, channels last, with kernel W * outer(r_m, s_m) and bias b_m for member m.

    The factors multiply channels before and after, so that all members go through one convolution, as one batch.

    Args:
        filters: outputs of each member.
        kernel_size: one number, or height and width.
        members: M.
        strides: one number, or down and across.
        padding: "valid" or "same".
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
        filters: int,
        kernel_size: int | tuple[int, int],
        members: int,
        *,
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        factor_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if filters < 1 or members < 1:
            raise ValueError(f"filters and members are at least 1, not {filters} and {members}")
        if padding not in ("valid", "same"):
            raise ValueError(f"padding is valid or same, not {padding!r}")
        self.filters, self.members, self.padding, self.use_bias = filters, members, padding, use_bias
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.strides = (strides, strides) if isinstance(strides, int) else tuple(strides)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.factor_initializer = keras.initializers.get(
            factor_initializer or keras.initializers.RandomNormal(mean=1.0, stddev=0.5)
        )

    def build(self, input_shape: Any) -> None:
        """The shared kernel and each member's factors."""
        if len(input_shape) not in (4, 5) or (len(input_shape) == 5 and input_shape[1] != self.members):
            raise ValueError(f"input is (batch, h, w, c) or (batch, {self.members}, h, w, c), not {input_shape}")
        channels = input_shape[-1]
        shape = (*self.kernel_size, channels, self.filters)
        initializer = self.factor_initializer
        self.kernel = self.add_weight(shape, initializer=self.kernel_initializer, name="kernel")
        self.r = self.add_weight((self.members, channels), initializer=initializer, name="r")
        self.s = self.add_weight((self.members, self.filters), initializer=again(initializer), name="s")
        self.bias = (
            self.add_weight((self.members, self.filters), initializer="zeros", name="bias") if self.use_bias else None
        )

    def call(self, inputs: Tensor) -> Tensor:
        """(batch, M, height, width, filters) for (batch, h, w, c), which the members share, or (batch, M, h, w, c)."""
        x = inputs[:, None] if len(inputs.shape) == 4 else inputs
        x = x * self.r[:, None, None, :]
        x = ops.reshape(x, (-1, *x.shape[2:]))
        x = ops.conv(x, self.kernel, self.strides, self.padding, "channels_last")
        x = ops.reshape(x, (-1, self.members, *x.shape[1:])) * self.s[:, None, None, :]
        return self.activation(x if self.bias is None else x + self.bias[:, None, None, :])

    def member(self, index: int) -> keras.layers.Conv2D:
        """One member as a Conv2D layer of its own, weights copied."""
        convolution = keras.layers.Conv2D(
            self.filters,
            self.kernel_size,
            strides=self.strides,
            padding=self.padding,
            data_format="channels_last",
            activation=self.activation,
            use_bias=self.use_bias,
        )
        convolution.build((None, None, None, self.kernel.shape[2]))
        kernel = self.kernel * self.r[index][:, None] * self.s[index]
        rest = [self.bias[index]] if self.use_bias else []
        convolution.set_weights([ops.convert_to_numpy(v) for v in (kernel, *rest)])
        return convolution

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, M, height, width, filters)."""
        sizes = [
            None if size is None else (-(-size // stride) if self.padding == "same" else (size - kernel) // stride + 1)
            for size, kernel, stride in zip(input_shape[-3:-1], self.kernel_size, self.strides, strict=True)
        ]
        return (input_shape[0], self.members, *sizes, self.filters)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "members": self.members,
            "strides": list(self.strides),
            "padding": self.padding,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "factor_initializer": keras.initializers.serialize(self.factor_initializer),
        }
