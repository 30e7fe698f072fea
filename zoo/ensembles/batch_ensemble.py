"""Layers for M members that share one kernel, told apart by rank-one factors."""

from typing import Any, ClassVar

import keras
from keras import ops

Tensor = Any


class BatchEnsemble(keras.layers.Layer):
    """What both layers share: kernel W * outer(r_m, s_m) and bias b_m for member m, and three vectors a member.

    The factors multiply channels before and after, so that all members go through one operation, as one batch.

    Args:
        outputs: channels of each member's output.
        members: M.
        activation: of the output.
        use_bias: whether there are biases.
        kernel_initializer: of the shared kernel.
        factor_initializer: of r and s; by default normal about 1, so that members differ from the start.
        **kwargs: as `keras.layers.Layer`.

    Attributes:
        kernel, r, s, bias: (*kernel_size, channels, outputs), (M, channels), (M, outputs), (M, outputs) or None.

    Raises:
        ValueError: fewer than one output or member.

    Reference:
        Wen, Tran, Ba 2020, "BatchEnsemble: an alternative approach to efficient ensemble and lifelong learning".
    """

    outputs_are: ClassVar[str]
    """What the argument of the outputs' number is called."""
    axes: ClassVar[tuple[str, ...]]
    """Of one member's input, behind the batch."""
    kernel_size: tuple[int, ...] = ()

    def __init__(
        self,
        outputs: int,
        members: int,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        factor_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if outputs < 1 or members < 1:
            raise ValueError(f"{self.outputs_are} and members are at least 1, not {outputs} and {members}")
        self.outputs, self.members, self.use_bias = outputs, members, use_bias
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.factor_initializer = keras.initializers.get(
            factor_initializer or keras.initializers.RandomNormal(mean=1.0, stddev=0.5)
        )

    def build(self, input_shape: Any) -> None:
        """The shared kernel and each member's factors.

        Raises:
            ValueError: another number of axes, or of members.
        """
        rank = 1 + len(self.axes)
        if len(input_shape) not in (rank, rank + 1) or (len(input_shape) > rank and input_shape[1] != self.members):
            axes = ", ".join(self.axes)
            raise ValueError(f"input is (batch, {axes}) or (batch, {self.members}, {axes}), not {input_shape}")
        channels, initializer = input_shape[-1], self.factor_initializer
        shape = (*self.kernel_size, channels, self.outputs)
        self.kernel = self.add_weight(shape, initializer=self.kernel_initializer, name="kernel")
        self.r = self.add_weight((self.members, channels), initializer=initializer, name="r")
        self.s = self.add_weight((self.members, self.outputs), initializer=again(initializer), name="s")
        self.bias = (
            self.add_weight((self.members, self.outputs), initializer="zeros", name="bias") if self.use_bias else None
        )

    def call(self, inputs: Tensor) -> Tensor:
        """(batch, M, ..., outputs) for inputs that the members share, (batch, ...), or (batch, M, ...)."""

        def spread(factors: Tensor) -> Tensor:
            return ops.reshape(factors, (self.members, *(1,) * (len(self.axes) - 1), factors.shape[-1]))

        x = inputs[:, None] if len(inputs.shape) == 1 + len(self.axes) else inputs
        x = self.shared(x * spread(self.r)) * spread(self.s)
        return self.activation(x if self.bias is None else x + spread(self.bias))

    def shared(self, inputs: Tensor) -> Tensor:
        """The operation of the shared kernel on (batch, M, ...)."""
        raise NotImplementedError

    def as_member(self, layer: keras.layers.Layer, input_shape: tuple[int | None, ...], index: int) -> Any:
        """A layer of Keras with the weights of one member."""
        layer.build(input_shape)
        kernel = self.kernel * self.r[index][:, None] * self.s[index]
        rest = [self.bias[index]] if self.use_bias else []
        layer.set_weights([ops.convert_to_numpy(weight) for weight in (kernel, *rest)])
        return layer

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {
            **super().get_config(),
            self.outputs_are: self.outputs,
            "members": self.members,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "factor_initializer": keras.initializers.serialize(self.factor_initializer),
        }


@keras.saving.register_keras_serializable(package="zoo")
class BatchEnsembleDense(BatchEnsemble):
    """Dense, for M members.

    Args:
        units: outputs of each member.
        members: M.
        **options: as `BatchEnsemble`.

    Input (batch, channels), which the members share, or (batch, M, channels); output (batch, M, units).
    """

    outputs_are = "units"
    axes = ("channels",)

    def __init__(self, units: int, members: int, **options: Any) -> None:
        super().__init__(units, members, **options)

    def shared(self, inputs: Tensor) -> Tensor:
        """One product of matrices for all members."""
        return ops.matmul(inputs, self.kernel)

    def member(self, index: int) -> keras.layers.Dense:
        """One member as a Dense layer of its own, weights copied."""
        dense = keras.layers.Dense(self.outputs, activation=self.activation, use_bias=self.use_bias)
        return self.as_member(dense, (None, self.kernel.shape[0]), index)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, M, units)."""
        return (input_shape[0], self.members, self.outputs)


@keras.saving.register_keras_serializable(package="zoo")
class BatchEnsembleConv2D(BatchEnsemble):
    """Conv2D, channels last, for M members.

    Args:
        filters: outputs of each member.
        kernel_size: one number, or height and width.
        members: M.
        strides: one number, or down and across.
        padding: "valid" or "same".
        **options: as `BatchEnsemble`.

    Input (batch, height, width, channels), which the members share, or (batch, M, height, width, channels); output
    (batch, M, height, width, filters).

    Raises:
        ValueError: another padding.
    """

    outputs_are = "filters"
    axes = ("h", "w", "c")

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        members: int,
        *,
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        **options: Any,
    ) -> None:
        super().__init__(filters, members, **options)
        if padding not in ("valid", "same"):
            raise ValueError(f"padding is valid or same, not {padding!r}")
        self.padding = padding
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.strides = (strides, strides) if isinstance(strides, int) else tuple(strides)

    def shared(self, inputs: Tensor) -> Tensor:
        """One convolution, the members beside each other in its batch."""
        x = ops.reshape(inputs, (-1, *inputs.shape[2:]))
        x = ops.conv(x, self.kernel, self.strides, self.padding, "channels_last")
        return ops.reshape(x, (-1, self.members, *x.shape[1:]))

    def member(self, index: int) -> keras.layers.Conv2D:
        """One member as a Conv2D layer of its own, weights copied."""
        convolution = keras.layers.Conv2D(
            self.outputs,
            self.kernel_size,
            strides=self.strides,
            padding=self.padding,
            data_format="channels_last",
            activation=self.activation,
            use_bias=self.use_bias,
        )
        return self.as_member(convolution, (None, None, None, self.kernel.shape[2]), index)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, M, height, width, filters)."""
        sizes = [
            None if size is None else (-(-size // stride) if self.padding == "same" else (size - kernel) // stride + 1)
            for size, kernel, stride in zip(input_shape[-3:-1], self.kernel_size, self.strides, strict=True)
        ]
        return (input_shape[0], self.members, *sizes, self.outputs)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        own = {"kernel_size": list(self.kernel_size), "strides": list(self.strides), "padding": self.padding}
        return {**super().get_config(), **own}


def again(initializer: keras.initializers.Initializer) -> keras.initializers.Initializer:
    """An initializer for a second variable, whose values are not to be those of the first; seeds move on by one."""
    config = initializer.get_config()
    if isinstance(config.get("seed"), int):
        config["seed"] += 1
    return type(initializer).from_config(config)
