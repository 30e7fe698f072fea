"""The kinds of operations a graph is made of: two dozen, each a dataclass whose typed fields are its attributes.

Shapes leave out the step axis: in a stream graph a value is what one sample yields, in a frame graph what one
frame yields, and there its first axis is usually time. Axes count from 0 behind the step axis. All arithmetic
broadcasts as in numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from compiler.ir.numerics import Format, Rounding
from compiler.ir.values import Value

if TYPE_CHECKING:
    from compiler.ir.graph import Graph

BinaryFunction = Literal["add", "subtract", "multiply", "divide", "maximum", "minimum"]
ReduceFunction = Literal["sum", "mean", "max", "min"]
BINARY: tuple[str, ...] = get_args(BinaryFunction)

Pads = tuple[tuple[int, int], ...]


def causal(taps: int, dilation: int) -> Pads:
    """The padding with which a convolution over time never looks ahead."""
    return (((taps - 1) * dilation, 0),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """One operation. Its kind is its class, and its attributes are that class' typed fields."""

    inputs: tuple[Value, ...]
    output: Value

    @property
    def state_read(self) -> str | None:
        """The state it reads, if it does."""
        return None

    @property
    def reach(self) -> int:
        """Samples back in time that it looks."""
        return 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates a step."""
        return 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Op):
    """Frame graphs: (*space, C) -> (*space', F), one or two axes of space; correlation, as Keras has it.

    Args:
        kernel: (*taps, C // groups, F).
        bias: (F,).
        strides, dilation: One number for each axis of space.
        padding: Zeros (before, after) on each axis of space; a causal convolution has ((K-1)*d, 0).
        groups: Input and output channels are split into so many; output group g sees input group g alone.
        kernel_format, bias_format: Where a quantiser of the file has put the numbers on a grid.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strides: tuple[int, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    padding: Pads = ((0, 0),)
    groups: int = 1
    kernel_format: Format | None = None
    bias_format: Format | None = None
    weights_of: str = ""

    @property
    def layer(self) -> str:
        """The Keras layer that the weights come from."""
        return self.weights_of or self.output.layer

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those with padding among them."""
        space = int(np.prod([n for n in self.output.shape[:-1] if n is not None], dtype=np.int64))
        return space * self.kernel.size


@dataclass(frozen=True, eq=False, kw_only=True)
class Window(Op):
    """Stream graphs: (...) -> (taps, ...), what was 0, dilation, ..., (taps-1)*dilation samples ago, oldest first."""

    state: str
    taps: int
    dilation: int

    @property
    def state_read(self) -> str:
        """The state it reads."""
        return self.state

    @property
    def reach(self) -> int:
        """Samples back in time that it looks."""
        return (self.taps - 1) * self.dilation


@dataclass(frozen=True, eq=False, kw_only=True)
class Recall(Op):
    """Stream graphs: no input; the value of a state of length 1 one sample ago, which is computed further down.

    It is what makes a graph recurrent.
    """

    state: str

    @property
    def state_read(self) -> str:
        """The state it reads."""
        return self.state


@dataclass(frozen=True, eq=False, kw_only=True)
class MatMul(Op):
    """bias + the product of the input's last axes, flattened in C order, with the weights.

    In a fixed-point graph the weights and the bias are integers, the bias at the accumulator's fraction,
    and the output is the accumulator, in a format proven wide enough.

    Args:
        weights: (rows, columns); rows = channels, or taps * channels behind a Window. As many last axes of the
            input are contracted as its rank exceeds the output's, and one more.
        bias: (columns,).
        weights_format: The grid the weights lie on; None in float.
        bias_format: The grid the file put the bias on; None where it has none.
        weights_of: The Keras layer that the weights come from, where a fold made the output another layer's.
    """

    weights: np.ndarray
    bias: np.ndarray
    weights_format: Format | None = None
    bias_format: Format | None = None
    weights_of: str = ""

    @property
    def layer(self) -> str:
        """The Keras layer that the weights come from."""
        return self.weights_of or self.output.layer

    @property
    def macs(self) -> int:
        """Multiply-accumulates a step."""
        rows = int(np.prod([n for n in self.output.shape[:-1] if n is not None], dtype=np.int64))
        return rows * self.weights.size


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(Op):
    """x * scale + shift, both (channels,), along the last axis: a batch normalisation that stands alone."""

    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Unary(Op):
    """A function of one number, applied to each element; name and parameters as in functions.py."""

    function: str
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Binary(Op):
    """A function of two numbers, element by element, shapes broadcast."""

    function: BinaryFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class Select(Op):
    """Three inputs: where the first is above 0, the second, else the third; shapes broadcast."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Constant(Op):
    """No input; the same array every step."""

    value: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Reduce(Op):
    """Sum, mean or extreme over some axes, which stay with length 1 or go."""

    function: ReduceFunction
    axes: tuple[int, ...]
    keepdims: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Op):
    """(*space, C): maximum or mean over boxes. Padding never counts: it is no maximum and no part of a mean."""

    function: Literal["max", "mean"]
    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Pads


@dataclass(frozen=True, eq=False, kw_only=True)
class Dot(Op):
    """Two inputs (*batch, n, k) and (*batch, m, k) -> (*batch, n, m): products of their rows."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Op):
    """The same elements in C order in the output's shape."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Transpose(Op):
    """Output axis i is input axis permutation[i]."""

    permutation: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Slice(Op):
    """x[start : start + count*step : step] along one axis; step may be -1. `count` is the output's length there."""

    axis: int
    start: int
    step: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(Op):
    """A constant before and after, on every axis."""

    padding: Pads
    value: float = 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Repeat(Op):
    """Each element along an axis `times` in a row: 1 2 -> 1 1 2 2."""

    axis: int
    times: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Spread(Op):
    """`gap` zeros between each two elements along an axis, for transposed convolutions: 1 2 -> 1 0 2."""

    axis: int
    gap: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenate(Op):
    """The inputs one behind the other along an axis."""

    axis: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather(Op):
    """Rows of a table, (entries, width), by the whole numbers in the input, clamped: (...) -> (..., width)."""

    table: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan(Op):
    """Frame graphs: runs a stream graph along the first axis of the input, from its states' initial values.

    Args:
        body: One input and one output.
        reverse: From the last element to the first. The output stands in the order of the input all the same
            where `sequences`; Keras' go_backwards turns it round by a Slice.
        sequences: Give every step's output; else the last computed alone.
    """

    body: Graph
    reverse: bool = False
    sequences: bool = True

    @property
    def macs(self) -> int:
        """Multiply-accumulates over all steps."""
        return self.body.macs * (self.inputs[0].shape[0] or 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantize(Op):
    """Float graphs: rounds to the grid of a format and clamps to [lo, hi] grid units; the value stays float.

    Fixed-point builds turn each into a Requantize.
    """

    format: Format
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantize(Op):
    """Fixed-point graphs: drops `shift` bits with rounding, then clamps to [lo, hi]. Relu and saturation are clamps."""

    shift: int
    rounding: Rounding
    lo: int
    hi: int


KINDS: dict[str, type[Op]] = {
    kind.__name__: kind
    for kind in (
        *(Convolution, Window, Recall, MatMul, Affine, Unary, Binary, Select, Constant, Reduce, Pool, Dot, Reshape),
        *(Transpose, Slice, Pad, Repeat, Spread, Concatenate, Gather, Scan, Quantize, Requantize),
    )
}
