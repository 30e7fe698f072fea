"""Small stream graphs, built op by op, for the tests of the mcu target."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from compiler.ir.graph import Graph
from compiler.ir.numerics import Format, rounding_half, signed_width
from compiler.ir.ops import Affine, MatMul, Op, Quantize, Requantize, Sum, Unary, Window
from compiler.ir.values import State, Value

Q12 = Format(True, 16, 12)


@dataclass
class Net:
    """Strings operations together; `fixed` makes integers of everything.

    Args:
        channels: Of the input.
        seed: Of all weights.
        fixed: Whether values are 16-bit integers with 12 fraction bits.
        wide: Whether accumulators are said to need 40 bits.
        initial: Whether states start at other numbers than zero.
    """

    channels: int = 3
    seed: int = 0
    fixed: bool = False
    wide: bool = False
    initial: bool = False
    ops: list[Op] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)
        self.input = Value("x", (self.channels,), "input", self.format)

    @property
    def format(self):
        return Q12 if self.fixed else None

    def name(self, kind):
        return f"{kind}_{len(self.ops)}"

    def add(self, kind, value, shape, op, number=None, **attributes):
        name = self.name(kind)
        output = Value(name, shape, f"layer_{name}", number if self.fixed else None)
        self.ops.append(op(inputs=(value,), output=output, **attributes))
        return output

    def window(self, value, taps, dilation):
        channels, length = value.shape[0], (taps - 1) * dilation
        key = f"{value.name}_past"
        if length:
            old = self.states.get(key)
            start = np.arange(1, channels + 1) * (100 if self.fixed else 0.125) if self.initial else np.zeros(channels)
            start = start.astype(np.int64 if self.fixed else np.float64)
            self.states[key] = State(key, value, max(length, old.length if old else 0), start)
        return self.add("window", value, (taps, channels), Window, self.format, state=key, taps=taps, dilation=dilation)

    def matmul(self, value, columns):
        rows = value.size
        if self.fixed:
            weights = self.random.integers(-8192, 8192, (rows, columns))
            bias = self.random.integers(-(1 << 24), 1 << 24, columns)
            if not self.wide:  # small enough for 32 bits whatever comes
                weights = np.clip(weights * 30000 // np.abs(weights).sum(0), -8192, 8191)
            reach = int((np.abs(weights).sum(0) * (1 << 15) + np.abs(bias)).max()) + rounding_half(12, "half_even")
            format = Format(True, 40 if self.wide else signed_width(-reach, reach), 24)
            attributes = {"weights": weights, "bias": bias, "weights_format": Q12}
            return self.add("matmul", value, (columns,), MatMul, format, **attributes)
        weights = self.random.uniform(-1, 1, (rows, columns)) * 2 / np.sqrt(rows)
        bias = self.random.uniform(-0.5, 0.5, columns)
        return self.add("matmul", value, (columns,), MatMul, weights=weights, bias=bias)

    def unary(self, value, function):
        return self.add("unary", value, value.shape, Unary, function=function)

    def affine(self, value):
        channels = value.shape[-1]
        scale, shift = self.random.uniform(0.5, 2, channels), self.random.uniform(-1, 1, channels)
        return self.add("affine", value, value.shape, Affine, scale=scale, shift=shift)

    def quantize(self, value, rounding="half_even", relu=False):
        lo, hi = (0 if relu else -(1 << 15)), (1 << 15) - 1
        attributes = {"format": Q12, "rounding": rounding, "lo": lo, "hi": hi}
        return self.add("quantize", value, value.shape, Quantize, **attributes)

    def requantize(self, value, shift=12, rounding="half_even", relu=False, format=Q12):
        lo = 0 if relu else format.lo
        attributes = {"shift": shift, "rounding": rounding, "lo": lo, "hi": format.hi}
        return self.add("requantize", value, value.shape, Requantize, format, **attributes)

    def conv(self, value, columns, taps=1, dilation=1, relu=True, rounding="half_even"):
        """A causal convolution and its activation."""
        if taps > 1:
            value = self.window(value, taps, dilation)
        y = self.matmul(value, columns)
        if self.fixed:
            return self.requantize(y, rounding=rounding, relu=relu)
        return self.unary(y, "relu") if relu else y

    def graph(self, output):
        """The graph with that value as its output."""
        return Graph("net", "stream", (self.input,), (output,), tuple(self.ops), tuple(self.states.values()))

    def stream(self, samples=200):
        """Random samples of its input: float32 or int16."""
        if self.fixed:
            return self.random.integers(-(1 << 15), 1 << 15, (samples, self.channels)).astype(np.int16)
        return self.random.uniform(-1, 1, (samples, self.channels)).astype(np.float32)


def wavenet(*, fixed: bool = False, rounding: str = "half_even", wide: bool = False) -> tuple[Net, Graph]:
    """The waveshaper of 465 parameters: four dilated convolutions, each followed by a 1x1, and an output."""
    net = Net(3, fixed=fixed, wide=wide)
    value = net.input
    for filters, dilation in zip((4, 4, 4, 8), (1, 4, 16, 64), strict=True):
        value = net.conv(value, filters, 4, dilation, rounding=rounding)
        value = net.conv(value, filters, rounding=rounding)
    return net, net.graph(net.conv(value, 1, relu=False, rounding=rounding))


DILATIONS = (1, 2, 3, 4, 7, 16)


def dilated(taps: int, *, fixed: bool) -> tuple[Net, Graph]:
    """One convolution of that many taps for every dilation, with changing channels, states not at zero."""
    net = Net(2, seed=taps, fixed=fixed, initial=True)
    value = net.input
    for dilation, columns in zip(DILATIONS, (3, 9, 1, 4, 17, 2), strict=True):
        value = net.conv(value, columns, taps, dilation, relu=columns != 1)
    return net, net.graph(value)


def shared_state(*, fixed: bool) -> tuple[Net, Graph]:
    """Windows of different taps and dilations over one state, and a 1x1 that reads the same value last."""
    net = Net(3, fixed=fixed, initial=True)
    value = net.conv(net.input, 4)
    branches = [net.conv(value, 2, taps, dilation) for taps, dilation in ((3, 2), (1, 1), (2, 5), (5, 1))]
    for branch in branches:  # read them all once more, so that they live long
        net.conv(branch, 1)
    return net, net.graph(net.conv(value, 3, 2, 1))


def unfused(*, fixed: bool) -> tuple[Net, Graph]:
    """Sums that two operations read, so that they have to exist in memory."""
    net = Net(3, fixed=fixed)
    sums = net.matmul(net.window(net.input, 3, 2), 5)
    if fixed:
        first = net.requantize(sums, relu=True)
        net.requantize(sums, 9, "floor")
    else:
        first = net.unary(sums, "relu")
        net.unary(sums, "tanh")
    return net, net.graph(net.conv(first, 2))


def identity(*, fixed: bool) -> tuple[Net, Graph]:
    """The output is the input."""
    net = Net(3, fixed=fixed)
    return net, net.graph(net.input)


def past_only(*, fixed: bool) -> tuple[Net, Graph]:
    """As many outputs as inputs, the input read by a ring and by the last product: aliasing has to copy."""
    net = Net(3, fixed=fixed)
    net.conv(net.input, 3, 3, 2)
    return net, net.graph(net.conv(net.input, 3, relu=False))


def one_tap_window(*, fixed: bool) -> tuple[Net, Graph]:
    """A window of one tap, which is the present sample."""
    net = Net(3, fixed=fixed)
    net.conv(net.input, 1, 2, 1)
    y = net.matmul(net.window(net.input, 1, 1), 3)
    return net, net.graph(net.requantize(y) if fixed else y)


def float_only(*, fixed: bool = False) -> tuple[Net, Graph]:
    """Every operation that float graphs have."""
    net = Net(4)
    value = net.quantize(net.input)
    for rounding in ("half_up", "floor"):  # of the input: sums may be a step off where they all but tie
        net.quantize(net.input, rounding, relu=True)
    value = net.unary(net.conv(net.affine(value), 4, 3, 2, relu=False), "tanh")
    value = net.unary(net.affine(net.window(value, 2, 3)), "sigmoid")
    return net, net.graph(net.unary(net.affine(net.matmul(value, 4)), "sigmoid"))


def fixed_only(*, fixed: bool = True) -> tuple[Net, Graph]:
    """A narrow input, shifts in both directions, three roundings, 64-bit accumulators, sums as the output."""
    net = Net(3, fixed=True, wide=True)
    net.input = Value("x", (3,), "input", Format(True, 9, 5))
    value = net.conv(net.input, 5, 3, 2, rounding="half_up")
    value = net.requantize(value, 5, "half_even", format=Format(True, 8, 7))
    value = net.requantize(value, -3, "floor", format=Format(True, 16, 10))
    value = net.conv(value, 3, 2, 4, rounding="floor")
    net.wide = False
    return net, net.graph(net.matmul(value, 3))


def summed(*, fixed: bool = True) -> tuple[Net, Graph]:
    """Sums of values of 16, 32 and 64 bits, one of them of a value with itself, one of a ring's value."""
    net = Net(3, fixed=True, initial=True)

    def add(*values, signs, fraction, width):
        output = Value(net.name("sum"), (3,), f"layer_{net.name('sum')}", Format(True, width, fraction))
        shifts = tuple(fraction - value.format.fraction for value in values)
        net.ops.append(Sum(inputs=values, output=output, shifts=shifts, signs=signs))
        return output

    first = net.conv(net.input, 3, 3, 2)
    narrow = net.matmul(first, 3)
    short = add(net.input, first, net.input, signs=(1, -1, 1), fraction=13, width=19)
    twice = add(short, short, signs=(1, 1), fraction=14, width=21)
    net.wide = True
    wide = net.matmul(net.requantize(twice, 4, "half_up", format=Format(True, 16, 10)), 3)
    wide = replace(wide, format=Format(True, 40, 22))
    net.ops[-1] = replace(net.ops[-1], output=wide)
    sums = add(wide, narrow, net.input, signs=(1, -1, -1), fraction=24, width=44)
    return net, net.graph(net.requantize(sums, 12, "half_even"))


SHAPES = (shared_state, unfused, identity, past_only, one_tap_window)
EVERY = [(shape, fixed) for shape in SHAPES for fixed in (False, True)] + [(float_only, False), (fixed_only, True)]
EVERY += [(summed, True)]
