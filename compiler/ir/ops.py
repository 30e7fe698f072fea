"""The kinds of operations a graph is made of: two dozen, each a dataclass whose typed fields are its attributes.

Those that compute stand here; those that only move numbers in movement.py, functions of one number in pointwise.py, and
those that make few numbers of many in reductions.py, on which this module stands.

Shapes leave out the step axis: in a stream graph a value is what one sample yields, in a frame graph what one
frame yields, and there its first axis is usually time. Axes count from 0 behind the step axis. All arithmetic
broadcasts as in numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from compiler.ir.grids import QuantizeEach
from compiler.ir.movement import Concatenate, Gather, Pad, Repeat, Reshape, Slice, Transpose, ZeroInsertion
from compiler.ir.numerics import Format, Rounding
from compiler.ir.operation import Op, Pads, broadcast, demand, known_size, windows_over
from compiler.ir.pointwise import Clamping, Piecewise, Table, Unary
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Shape, Value

BinaryFunction = Literal["add", "subtract", "multiply", "divide", "maximum", "minimum"]
BINARY: tuple[str, ...] = get_args(BinaryFunction)


def causal(taps: int, dilation: int) -> Pads:
    """The padding with which a convolution over time never looks ahead."""
    return (((taps - 1) * dilation, 0),)


class Weighted:
    """What operations with weights have in common."""

    output: Value
    weights_of: str

    @property
    def layer(self) -> str:
        """The Keras layer that the weights come from."""
        return self.weights_of or self.output.layer

    @property
    def places(self) -> int:
        """How often the weights are met in a step: once for each place of the output."""
        return int(np.prod([n for n in self.output.shape[:-1] if n is not None], dtype=np.int64))


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Weighted, Op):
    """Frame graphs: (*space, C) -> (*space', F), one or two axes of space; correlation, as Keras has it.

    In a fixed-point graph its numbers are integers, as those of a MatMul are.

    Args:
        kernel: (*taps, C // groups, F).
        bias: (F,).
        strides, dilation: One number for each axis of space.
        padding: Zeros (before, after) on each axis of space; a causal convolution has ((K-1)*d, 0).
        groups: Input and output channels are split into so many; output group g sees input group g alone.
        weights_format, bias_format, bias_error: As a MatMul has them.
    """

    modes = ("frame",)
    numbers = ("float", "integer")
    words = "a convolution"
    kernel: np.ndarray
    bias: np.ndarray
    strides: tuple[int, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    padding: Pads = ((0, 0),)
    groups: int = 1
    weights_format: Format | None = None
    bias_format: Format | None = None
    bias_error: float | None = None
    weights_of: str = ""

    @property
    def matrix(self) -> np.ndarray:
        """The kernel as (rows, F): what each filter multiplies, one under the other."""
        return self.kernel.reshape(-1, self.kernel.shape[-1])

    def with_matrix(self, matrix: np.ndarray, **changes: object) -> Convolution:
        """The same with other weights, given like `matrix`."""
        return replace(self, kernel=matrix.reshape(self.kernel.shape), **changes)

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those with padding among them."""
        return self.places * self.kernel.size

    def output_shape(self) -> Shape:
        """(*space', F)."""
        ((*space, wanted),) = self.shapes
        *taps, channels, filters = self.kernel.shape
        demand(channels * self.groups == wanted, "a kernel of", self.kernel.shape, "on", self.shapes[0])
        demand(self.groups >= 1 and filters % self.groups == 0, filters, "filters in", self.groups, "groups")
        demand(self.bias.shape == (filters,), "a bias of", self.bias.shape, "for", filters, "filters")
        demand(len(taps) == len(self.dilation) and min(self.dilation) >= 1, "taps", taps, "apart", self.dilation)
        spans = [(count - 1) * step + 1 for count, step in zip(taps, self.dilation, strict=True)]
        return (*windows_over(tuple(space), spans, self.strides, self.padding), filters)


@dataclass(frozen=True, eq=False, kw_only=True)
class Window(Op):
    """Stream graphs: (...) -> (taps, ...), what was 0, dilation, ..., (taps-1)*dilation samples ago, oldest first."""

    modes = ("stream",)
    numbers = ("float", "integer")
    words = "a look at earlier samples"
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

    def output_shape(self) -> Shape:
        """(taps, ...)."""
        demand(self.taps >= 1 and self.dilation >= 1, self.taps, "taps", self.dilation, "apart")
        return (self.taps, *self.shapes[0])


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitDelay(Op):
    """Stream graphs: no input; the value of a state of length 1 one sample ago, which is computed further down.

    It is what makes a graph recurrent. Its shape is the state's.
    """

    numbers = ("float", "integer")
    words = "a value of the sample before"
    arity = 0
    modes = ("stream",)
    state: str

    @property
    def state_read(self) -> str:
        """The state it reads."""
        return self.state

    def output_shape(self) -> Shape:
        """The output's own."""
        return self.output.shape


@dataclass(frozen=True, eq=False, kw_only=True)
class MatMul(Weighted, Op):
    """bias + the product of the input's last axes, flattened in C order, with the weights.

    In a fixed-point graph the weights and the bias are integers, the bias at the accumulator's fraction,
    and the output is the accumulator, in a format proven wide enough.

    Args:
        weights: (rows, columns); rows = channels, or taps * channels behind a Window.
        axes: How many of the input's last axes are contracted.
        bias: (columns,).
        weights_format: The grid the weights lie on; None in float.
        bias_format: The grid the file put the bias on; None where it has none.
        bias_error: In a fixed-point graph, by how many steps of the output its grid misses the file's bias, where
            that is so much that it may show.
        weights_of: The Keras layer that the weights come from, where a fold made the output another layer's.
    """

    numbers = ("float", "integer")
    words = "a product with weights"
    weights: np.ndarray
    bias: np.ndarray
    axes: int = 1
    weights_format: Format | None = None
    bias_format: Format | None = None
    bias_error: float | None = None
    weights_of: str = ""

    @property
    def matrix(self) -> np.ndarray:
        """The weights."""
        return self.weights

    def with_matrix(self, matrix: np.ndarray, **changes: object) -> MatMul:
        """The same with other weights."""
        return replace(self, weights=matrix, **changes)

    @property
    def macs(self) -> int:
        """Multiply-accumulates a step."""
        return self.places * self.weights.size

    def output_shape(self) -> Shape:
        """(..., columns)."""
        (x,) = self.shapes
        demand(1 <= self.axes <= len(x), "a product over", self.axes, "axes of", x)
        kept, contracted = x[: -self.axes], x[-self.axes :]
        fits = self.weights.ndim == 2 and known_size(contracted) == len(self.weights)
        demand(fits, "weights of", self.weights.shape, "on", contracted)
        demand(self.bias.shape == self.weights.shape[1:], "a bias of", self.bias.shape, "for", self.weights.shape)
        return (*kept, self.weights.shape[1])


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(Op):
    """x * scale + shift, both (channels,), along the last axis: a batch normalisation that stands alone."""

    words = "a scale and an offset for each channel"
    scale: np.ndarray
    shift: np.ndarray

    def output_shape(self) -> Shape:
        """The input's."""
        (x,) = self.shapes
        demand(x and self.scale.shape == self.shift.shape == x[-1:], "a scale of", self.scale.shape, "on", x)
        return x


@dataclass(frozen=True, eq=False, kw_only=True)
class Binary(Op):
    """A function of two numbers, element by element, shapes broadcast.

    In a fixed-point graph a maximum or a minimum, of values in the output's format; or a product, whose output is an
    accumulator.
    """

    numbers = ("float", "integer")
    arity = 2
    function: BinaryFunction

    @property
    def words(self) -> str:
        """Which function."""
        return f"the function {self.function} of two values"

    def output_shape(self) -> Shape:
        """What the inputs broadcast to."""
        demand(self.function in BINARY, "no function of two numbers is called", self.function)
        return broadcast(*self.shapes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Select(Op):
    """Three inputs: where the first is above 0, the second, else the third; shapes broadcast."""

    words = "a choice between two values"
    arity = 3

    def output_shape(self) -> Shape:
        """What the inputs broadcast to."""
        condition, yes, no = self.shapes
        return broadcast(broadcast(condition, yes), no)


@dataclass(frozen=True, eq=False, kw_only=True)
class Constant(Op):
    """No input; the same array every step.

    Args:
        format: The grid that its numbers lie on; None in float.
    """

    numbers = ("float", "integer")
    words = "a constant"
    arity = 0
    value: np.ndarray
    format: Format | None = None

    def output_shape(self) -> Shape:
        """The array's."""
        return self.value.shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Dot(Op):
    """Two inputs (*batch, n, k) and (*batch, m, k) -> (*batch, n, m): products of their rows."""

    words = "a product of two values"
    arity = 2

    def output_shape(self) -> Shape:
        """(*batch, n, m)."""
        a, b = self.shapes
        fits = len(a) == len(b) >= 2 and a[:-2] == b[:-2] and a[-1] == b[-1]
        demand(fits, "no product of the rows of", a, "and", b)
        return (*a[:-1], b[-2])


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantize(Clamping, Op):
    """Float graphs: rounds to the grid of a format and clamps to [lo, hi] grid units; the value stays float.

    Fixed-point builds turn each into a Requantize.
    """

    words = "a quantiser"
    format: Format
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantize(Clamping, Op):
    """Fixed-point graphs: drops `shift` bits with rounding, then clamps to [lo, hi]. Relu and saturation are clamps."""

    numbers = ("integer",)
    words = "a rounding"
    shift: int
    rounding: Rounding
    lo: int
    hi: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum(Op):
    """Fixed-point graphs: the exact sum of sign * input * 2**shift over the inputs, which are alike in shape.

    The output is an accumulator on the finest of the inputs' grids, in a format proven wide enough.

    Args:
        shifts: For each input, the bits by which the output's grid is finer.
        signs: For each input, 1 or -1.
    """

    numbers = ("integer",)
    words = "a sum of values"
    arity = None
    shifts: tuple[int, ...]
    signs: tuple[int, ...]

    @property
    def factors(self) -> tuple[int, ...]:
        """What each input is multiplied by."""
        return tuple(sign << shift for sign, shift in zip(self.signs, self.shifts, strict=True))

    def output_shape(self) -> Shape:
        """That of each input."""
        demand(len(self.inputs) == len(self.shifts) == len(self.signs), "terms", self.shifts, "by", self.signs)
        demand(all(sign in (1, -1) for sign in self.signs), "terms with the signs", self.signs)
        demand(len(set(self.shapes)) == 1, "a sum of the shapes", *self.shapes)
        return self.shapes[0]


# Every kind that holds no graph; `Scan`, which does, stands above, in graph.py.
PLAIN: tuple[type[Op], ...] = (
    *(Convolution, Window, UnitDelay, MatMul, Affine, Unary, Binary, Select, Constant, Reduce, Pool, Dot, Reshape),
    *(Transpose, Slice, Pad, Repeat, ZeroInsertion, Concatenate, Gather, Quantize, QuantizeEach, Requantize),
    *(Sum, Piecewise, Table),
)
