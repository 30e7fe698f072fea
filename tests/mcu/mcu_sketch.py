"""Graphs of any operation, built one by one with their shapes worked out: each operation, bodies, random graphs."""

from __future__ import annotations

import numpy as np

from compiler.ir import interpreter, ops
from compiler.ir.functions import FUNCTIONS
from compiler.ir.graph import Graph, Scan
from compiler.ir.numerics import Format
from compiler.ir.values import State, Value

# Where a function has its parameters, or needs them to be sensible.
PARAMETERS = {
    "relu_general": (0.1, 1.5, 0.25),
    "leaky_relu": (0.3,),
    "elu": (1.3,),
    "celu": (0.7,),
    "squareplus": (4.0,),
    "soft_shrink": (0.4,),
    "hard_shrink": (0.4,),
    "threshold": (0.2, -0.5),
    "clip": (-0.6, 0.8),
    "rsqrt": (1e-3,),
}
# Defined for numbers above 0 alone, or steep enough near 0 to need distance from it.
POSITIVE = ("log", "sqrt", "rsqrt", "reciprocal")
GRID = Format(True, 12, 6)


class Sketch:
    """A float graph under construction.

    Args:
        mode: "stream" or "frame".
        shapes: Of the inputs.
        seed: Of all weights.
    """

    def __init__(self, mode, *shapes, seed=0):
        self.mode, self.random = mode, np.random.default_rng(seed)
        self.inputs = [Value(f"x{n}", tuple(shape), f"input_{n}") for n, shape in enumerate(shapes)]
        self.ops, self.states = [], {}

    def add(self, kind, inputs, shape, **attributes):
        name = f"{kind.__name__.lower()}_{len(self.ops)}"
        output = Value(name, tuple(None if n is None else int(n) for n in shape), f"layer_{name}")
        self.ops.append(kind(inputs=tuple(inputs), output=output, **attributes))
        return output

    def normal(self, *shape, scale=1.0):
        return (self.random.normal(size=shape) * scale).astype(np.float32)

    def unary(self, x, function, parameters=None):
        count = FUNCTIONS[function][0]
        parameters = PARAMETERS.get(function, ()) if parameters is None else parameters
        assert len(parameters) == count, function
        return self.add(ops.Unary, [x], x.shape, function=function, parameters=parameters)

    def binary(self, function, a, b):
        return self.add(ops.Binary, [a, b], np.broadcast_shapes(a.shape, b.shape), function=function)

    def select(self, c, a, b):
        return self.add(ops.Select, [c, a, b], np.broadcast_shapes(c.shape, a.shape, b.shape))

    def constant(self, *shape):
        return self.add(ops.Constant, [], shape, value=self.normal(*shape))

    def matmul(self, x, columns, axes=1):
        """Contracts the last `axes` axes."""
        kept = x.shape[: len(x.shape) - axes]
        rows = int(np.prod(x.shape[len(kept) :]))
        weights = self.normal(rows, columns, scale=1 / np.sqrt(rows))
        return self.add(ops.MatMul, [x], (*kept, columns), weights=weights, bias=self.normal(columns), axes=axes)

    def affine(self, x):
        channels = x.shape[-1]
        return self.add(ops.Affine, [x], x.shape, scale=self.normal(channels), shift=self.normal(channels))

    def quantize(self, x, rounding="half_even"):
        return self.add(ops.Quantize, [x], x.shape, format=GRID, rounding=rounding, lo=GRID.lo, hi=GRID.hi)

    def reduce(self, function, x, axes, keepdims=False):
        shape = [1 if axis in axes else n for axis, n in enumerate(x.shape) if keepdims or axis not in axes]
        return self.add(ops.Reduce, [x], shape, function=function, axes=tuple(axes), keepdims=keepdims)

    def _positions(self, x, size, strides, dilation, padding):
        every = zip(x.shape[:-1], size, strides, dilation, padding, strict=True)
        return [(n + sum(p) - (k - 1) * d - 1) // s + 1 for n, k, s, d, p in every]

    def pool(self, function, x, size, strides, padding):
        places = self._positions(x, size, strides, (1,) * len(size), padding)
        how = {"size": size, "strides": strides, "padding": padding}
        return self.add(ops.Pool, [x], (*places, x.shape[-1]), function=function, **how)

    def convolution(self, x, filters, taps, strides=None, dilation=None, padding=None, groups=1):
        axes = len(taps)
        strides, dilation = strides or (1,) * axes, dilation or (1,) * axes
        padding = padding or ((0, 0),) * axes
        channels = x.shape[-1] // groups
        rows = channels * int(np.prod(taps))
        kernel = self.normal(*taps, channels, filters, scale=1 / np.sqrt(rows))
        places = self._positions(x, taps, strides, dilation, padding)
        how = {"strides": strides, "dilation": dilation, "padding": padding, "groups": groups}
        return self.add(ops.Convolution, [x], (*places, filters), kernel=kernel, bias=self.normal(filters), **how)

    def dot(self, a, b):
        return self.add(ops.Dot, [a, b], (*a.shape[:-1], b.shape[-2]))

    def reshape(self, x, *shape):
        return self.add(ops.Reshape, [x], shape)

    def transpose(self, x, *permutation):
        return self.add(ops.Transpose, [x], [x.shape[axis] for axis in permutation], permutation=permutation)

    def slice(self, x, axis, start, count, step=1):
        shape = [count if a == axis else n for a, n in enumerate(x.shape)]
        return self.add(ops.Slice, [x], shape, axis=axis, start=start, step=step, count=count)

    def pad(self, x, padding, value=0.0):
        shape = [n + sum(p) for n, p in zip(x.shape, padding, strict=True)]
        return self.add(ops.Pad, [x], shape, padding=padding, value=value)

    def repeat(self, x, axis, times):
        return self.add(
            ops.Repeat, [x], [n * times if a == axis else n for a, n in enumerate(x.shape)], axis=axis, times=times
        )

    def zero_insertion(self, x, axis, gap):
        shape = [(n - 1) * (gap + 1) + 1 if a == axis else n for a, n in enumerate(x.shape)]
        return self.add(ops.ZeroInsertion, [x], shape, axis=axis, gap=gap)

    def concatenate(self, values, axis):
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        return self.add(ops.Concatenate, values, shape, axis=axis)

    def gather(self, x, entries, width):
        return self.add(ops.Gather, [x], (*x.shape, width), table=self.normal(entries, width))

    def scan(self, x, body, reverse=False, sequences=True):
        (output,) = body.outputs
        shape = (x.shape[0], *output.shape) if sequences else output.shape
        return self.add(Scan, [x], shape, body=body, reverse=reverse, sequences=sequences)

    def window(self, x, taps, dilation, initial=False):
        key, length = f"{x.name}_past", (taps - 1) * dilation
        if length:
            old = self.states.get(key)
            start = self.normal(*x.shape) if initial else np.zeros(x.shape, np.float32)
            length = max(length, old.length if old else 0)
            self.states[key] = State(key, x, length, old.initial if old else start)
        return self.add(ops.Window, [x], (taps, *x.shape), state=key, taps=taps, dilation=dilation)

    def unit_delay(self, *shape):
        """One sample ago; `feed` says of what."""
        return self.add(ops.UnitDelay, [], shape, state=f"unitdelay_{len(self.ops)}_fed")

    def feed(self, delayed, value, initial=None):
        name = f"{delayed.name}_fed"
        start = np.zeros(value.shape, np.float32) if initial is None else initial
        self.states[name] = State(name, value, 1, start)

    def graph(self, *outputs):
        assert len(outputs) >= 1
        return Graph("net", self.mode, tuple(self.inputs), outputs, tuple(self.ops), tuple(self.states.values()))

    def feeds(self, steps=7):
        """Random inputs, (steps, *shape) each."""
        return [self.random.uniform(-2, 2, (steps, *value.shape)).astype(np.float32) for value in self.inputs]


def every_function(mode):
    """All functions of one number, side by side."""
    net = Sketch(mode, (6,))
    (x,) = net.inputs
    above = net.affine(net.unary(x, "absolute"))
    net.ops[-1] = type(net.ops[-1])(
        inputs=net.ops[-1].inputs, output=above, scale=np.ones(6, np.float32), shift=np.full(6, 0.1, np.float32)
    )
    for function in FUNCTIONS:
        net.unary(above if function in POSITIVE else x, function)
    return net, net.graph(net.ops[-1].output)


def every_operation(mode):
    """All that both modes have, with and without ranks that differ, two inputs, three outputs."""
    net = Sketch(mode, (3, 4), (4,), seed=1)
    x, z = net.inputs
    for function in ops.BINARY:
        net.binary(function, x, x)
        net.binary(function, x, z) if function != "divide" else net.binary(function, x, net.unary(z, "exp"))
    column, one = net.constant(3, 1), net.constant(1)
    net.binary("multiply", net.binary("add", column, z), one)
    net.select(x, z, column)
    net.select(z, net.constant(), x)
    cube = net.reshape(net.concatenate([x, net.matmul(x, 4)], 0), 2, 3, 4)
    for function in ("sum", "mean", "max", "min"):
        for axes in ((0,), (1,), (2,), (0, 2), (0, 1, 2)):
            net.reduce(function, cube, axes, keepdims=len(axes) == 2)
    net.matmul(cube, 5)
    net.matmul(cube, 5, axes=2)
    net.matmul(cube, 3, axes=3)
    net.affine(cube)
    for rounding in ("half_even", "half_up", "floor"):
        net.quantize(x, rounding)
    for permutation in ((0, 2, 1), (2, 1, 0), (1, 2, 0), (0, 1, 2)):
        net.transpose(cube, *permutation)
    for axis in range(3):
        net.slice(cube, axis, 1, 1)
        net.slice(cube, axis, cube.shape[axis] - 1, 2, -1)
        net.repeat(cube, axis, 3)
        net.zero_insertion(cube, axis, 2)
        net.concatenate([cube, cube, net.unary(cube, "tanh")], axis)
    net.slice(cube, 2, 0, 2, 2)
    net.pad(cube, ((1, 0), (0, 0), (2, 3)), -1.5)
    net.pad(cube, ((0, 0), (0, 0), (0, 0)))
    for function in ("max", "mean"):
        net.pool(function, x, (2,), (1,), ((1, 0),))
        net.pool(function, x, (3,), (2,), ((1, 1),))
        net.pool(function, cube, (2, 2), (1, 2), ((0, 1), (1, 1)))
    net.dot(x, net.matmul(x, 4))
    net.dot(cube, net.unary(cube, "tanh"))
    net.gather(x, 3, 5)
    shared = net.reshape(x, 12)
    outputs = [net.slice(shared, 0, 3, 6), net.binary("add", x, z), x]
    return net, net.graph(*outputs)


CONVOLUTIONS = [
    # input, filters, taps, then how
    ((9, 3), 4, (3,), {}),
    ((9, 3), 4, (1,), {}),
    ((9, 3), 2, (3,), {"padding": ((4, 0),), "dilation": (2,)}),
    ((9, 3), 9, (4,), {"padding": ((1, 2),), "strides": (2,)}),
    ((9, 4), 6, (3,), {"groups": 2, "padding": ((1, 1),)}),
    ((9, 4), 4, (3,), {"groups": 4, "padding": ((2, 0),)}),
    ((9, 4), 8, (2,), {"groups": 4, "dilation": (3,), "padding": ((3, 3),)}),
    ((3, 2), 3, (5,), {"padding": ((4, 4),), "strides": (3,)}),
    ((3, 2), 3, (3,), {}),  # one position
    ((4, 4), 4, (2,), {"padding": ((4, 5),), "groups": 2}),  # some that see padding alone
    ((4, 4), 4, (2,), {"padding": ((4, 5),), "groups": 4}),
    ((5, 6, 2), 3, (3, 3), {}),
    ((5, 6, 2), 3, (1, 1), {}),
    ((5, 6, 2), 3, (1, 1), {"strides": (2, 3)}),
    ((5, 6, 2), 3, (1, 3), {}),
    ((5, 6, 2), 3, (3, 2), {"padding": ((1, 1), (0, 1)), "strides": (2, 1)}),
    ((5, 6, 2), 3, (2, 3), {"padding": ((0, 1), (2, 2)), "dilation": (2, 2)}),
    ((5, 6, 4), 6, (3, 3), {"groups": 2, "padding": ((1, 1), (1, 1))}),
    ((5, 6, 4), 8, (3, 3), {"groups": 4, "padding": ((1, 1), (1, 1)), "strides": (2, 2)}),
    ((5, 6, 1), 3, (3, 3), {"padding": ((2, 2), (2, 2)), "dilation": (1, 3)}),
]


def convolutions():
    """Every kind of convolution over windows of one input, each alone and with an activation behind it."""
    net = Sketch("frame", (120,), seed=2)
    for shape, filters, taps, how in CONVOLUTIONS:
        size = int(np.prod(shape))
        x = net.reshape(net.slice(net.inputs[0], 0, 120 - size, size), *shape)
        net.convolution(x, filters, taps, **how)
        net.unary(net.convolution(x, filters, taps, **how), "tanh")
    return net, net.graph(net.ops[-1].output)


def gated(channels, units, *, seed=3, initial=False):
    """A GRU-like body: (channels,) -> (units,), its state h."""
    net = Sketch("stream", (channels,), seed=seed)
    h = net.unit_delay(units)
    both = net.matmul(net.concatenate([net.inputs[0], h], 0), 2 * units)
    gates = net.unary(both, "sigmoid")
    update, forget = net.slice(gates, 0, 0, units), net.slice(gates, 0, units, units)
    new = net.unary(net.matmul(net.concatenate([net.inputs[0], net.binary("multiply", forget, h)], 0), units), "tanh")
    mixed = net.binary("add", new, net.binary("multiply", update, net.binary("subtract", h, new)))
    net.feed(h, mixed, net.normal(units) if initial else None)
    return net, net.graph(mixed)


def long_short(channels, units, *, seed=4):
    """An LSTM-like body: states h and c, weights of x and h apart."""
    net = Sketch("stream", (channels,), seed=seed)
    h, c = net.unit_delay(units), net.unit_delay(units)
    sums = net.binary("add", net.matmul(net.inputs[0], 4 * units), net.matmul(h, 4 * units))
    i, f, g, o = (net.slice(sums, 0, n * units, units) for n in range(4))
    i, f, o = (net.unary(gate, "sigmoid") for gate in (i, f, o))
    cell = net.binary("add", net.binary("multiply", f, c), net.binary("multiply", i, net.unary(g, "tanh")))
    out = net.binary("multiply", o, net.unary(cell, "tanh"))
    net.feed(h, out)
    net.feed(c, cell)
    return net, net.graph(out)


def delays():
    """Unit delays of the input, of each other in a circle, and of a unit delay: what a push must not disturb."""
    net = Sketch("stream", (3,), seed=5)
    (x,) = net.inputs
    last, before, left, right = (net.unit_delay(3) for _ in range(4))
    net.feed(last, x)
    net.feed(before, last, net.normal(3))
    net.feed(left, right, net.normal(3))
    net.feed(right, left, net.normal(3))
    net.reshape(before, 3, 1)
    return net, net.graph(last, before, left)


def delayed():
    """One input, one output as wide: the input, one sample late."""
    net = Sketch("stream", (3,))
    last = net.unit_delay(3)
    net.feed(last, net.inputs[0])
    return net, net.graph(last)


def windows():
    """Windows over values of higher rank, over an input and over what is computed, states not at zero."""
    net = Sketch("stream", (2, 3), seed=6)
    (x,) = net.inputs
    net.matmul(net.window(x, 3, 2, initial=True), 4, axes=3)
    y = net.unary(net.matmul(net.window(x, 2, 1), 3, axes=1), "relu")
    z = net.window(y, 2, 3, initial=True)
    return net, net.graph(net.reduce("mean", z, (0,)), net.slice(z, 0, 0, 1))


def scans():
    """Bodies in frames: both directions, the last output alone, a body in a body, a body without a state."""
    net = Sketch("frame", (6, 4), seed=7)
    (x,) = net.inputs
    for reverse in (False, True):
        for sequences in (False, True):
            net.scan(x, gated(4, 3, initial=True)[1], reverse, sequences)
            net.scan(x, long_short(4, 5)[1], reverse, sequences)
    plain = Sketch("stream", (4,), seed=8)
    net.scan(x, plain.graph(plain.unary(plain.matmul(plain.inputs[0], 2), "relu")))
    outer = Sketch("stream", (4,), seed=9)
    rows = outer.reshape(outer.window(outer.inputs[0], 2, 1), 2, 4)
    inner = outer.scan(rows, gated(4, 3)[1], reverse=True)
    net.scan(x, outer.graph(outer.matmul(inner, 2, axes=2)), reverse=True)
    kept = Sketch("stream", (4,), seed=10)
    past = kept.window(kept.inputs[0], 3, 2, initial=True)
    return net, net.graph(net.scan(x, kept.graph(kept.matmul(past, 3, axes=2))))


def evaluate(graph, xs):
    """Every value in float64."""
    return interpreter.evaluate(graph, xs)
