"""Small stream graphs, built op by op, for the tests of the mcu target."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from compiler.graph import Affine, Graph, MatMul, Op, Quantize, Requantize, State, Unary, Value, Window
from compiler.numerics import Format, rounding_half, signed_width

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

    def add(self, kind, value, shape, op, format=None, **attributes):
        name = self.name(kind)
        output = Value(name, shape, f"layer_{name}", format if self.fixed else None)
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
            reach = int((np.abs(weights).sum(0) * (1 << 15) + np.abs(bias)).max()) + rounding_half(12, "half_even")
            format = Format(True, 40 if self.wide else min(signed_width(-reach, reach), 32), 24)
            if not self.wide:  # small enough for 32 bits whatever comes
                weights = weights * ((1 << 30) // (1 << 15)) // np.abs(weights).sum(0)
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
