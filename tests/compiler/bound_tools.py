"""Random graphs whose bounds are proven, and inputs that try to leave them."""

import math
from dataclasses import dataclass, field

import numpy as np

from compiler.ir import interpreter
from compiler.ir.functions import FUNCTIONS
from compiler.ir.graph import Graph
from compiler.ir.ops import (
    Affine,
    Binary,
    Concatenate,
    Constant,
    Convolution,
    MatMul,
    Pool,
    Reduce,
    Reshape,
    Select,
    Slice,
    Unary,
    UnitDelay,
    Window,
)
from compiler.ir.values import State, Value
from compiler.ir.verifier import verify

# Functions that are no function of every number read one that is brought above 0.
ABOVE_ZERO = ("log", "sqrt", "rsqrt", "reciprocal")
PARAMETERS = {
    "relu_general": (0.2, 0.8, 0.1),
    "leaky_relu": (0.2,),
    "elu": (0.7,),
    "celu": (1.3,),
    "squareplus": (2.0,),
    "soft_shrink": (0.3,),
    "hard_shrink": (0.3,),
    "threshold": (0.2, -0.4),
    "clip": (-0.5, 0.4),
    "rsqrt": (0.1,),
}


@dataclass
class Maker:
    """A graph in the making."""

    rng: np.random.Generator
    ops: list = field(default_factory=list)
    states: list = field(default_factory=list)

    def put(self, kind, inputs, shape, **attributes):
        output = Value(f"v{len(self.ops)}", shape, "layer")
        self.ops.append(kind(inputs=tuple(inputs), output=output, **attributes))
        return output

    def product(self, x, columns=None):
        columns = columns or int(self.rng.integers(1, 5))
        axes = len(x.shape)
        weights = self.rng.normal(0, 1.5 / math.sqrt(x.size), (x.size, columns))
        return self.put(MatMul, [x], (columns,), weights=weights, bias=self.rng.normal(0, 0.4, columns), axes=axes)

    def window(self, x):
        taps, dilation = map(int, self.rng.integers(1, 4, 2))
        reach = max(1, (taps - 1) * dilation)
        initial = np.zeros(x.shape) if self.rng.random() < 0.7 else self.rng.normal(0, 0.7, x.shape)
        self.states.append(State(f"s{len(self.states)}", x, reach, initial))
        state = self.states[-1].name
        return self.put(Window, [x], (taps, *x.shape), state=state, taps=taps, dilation=dilation)

    def function(self, x, name=None):
        name = name or str(self.rng.choice([*FUNCTIONS, "relu", "relu", "relu", "tanh"]))
        if name in ABOVE_ZERO:
            x = self.put(Unary, [x], x.shape, function="softplus")
            x = self.put(Affine, [x], x.shape, scale=np.ones(x.shape[-1]), shift=np.full(x.shape[-1], 0.2))
        if name in ("exp", "square"):
            x = self.put(Unary, [x], x.shape, function="hard_tanh")
        return self.put(Unary, [x], x.shape, function=name, parameters=PARAMETERS.get(name, ()))

    def loop(self, x):
        """A state between itself and another number, as a gate says."""
        name = f"s{len(self.states)}"
        before = self.put(UnitDelay, [], x.shape, state=name)
        both = self.put(Concatenate, [before, x], (2 * x.size,), axis=0)
        gate = self.put(Unary, [self.product(both, x.size)], x.shape, function="sigmoid")
        new = self.put(Unary, [self.product(both, x.size)], x.shape, function="tanh")
        one = self.put(Constant, [], x.shape, value=np.ones(x.shape))
        rest = self.put(Binary, [one, gate], x.shape, function="subtract")
        kept = self.put(Binary, [gate, before], x.shape, function="multiply")
        written = self.put(Binary, [rest, new], x.shape, function="multiply")
        now = self.put(Binary, [kept, written], x.shape, function="add")
        self.states.append(State(name, now, 1, self.rng.uniform(-0.9, 0.9, x.shape) * (self.rng.random() < 0.5)))
        return now


def stream(rng, recurrent=False):
    """A stream graph of some layers with all sorts of operations between."""
    maker = Maker(rng)
    source = Value("x", (int(rng.integers(1, 3)),), "input")
    x = maker.product(source if rng.random() < 0.3 else maker.window(source))
    for depth in range(int(rng.integers(2, 5))):
        x = maker.function(x)
        kind = int(rng.integers(6))
        if recurrent and depth == 1:
            x = maker.loop(x)
        other = maker.function(maker.product(x, x.size))
        if kind < 4:
            name = ("add", "multiply", "maximum", "minimum")[kind]
            x = maker.put(Binary, [x, other], x.shape, function=name)
        elif kind == 4:
            x = maker.put(Concatenate, [x, other], (2 * x.size,), axis=0)
            x = maker.put(Slice, [x], (x.size - 1,), axis=0, start=1)
        else:
            x = maker.put(Select, [other, x, maker.function(other, "tanh")], x.shape)
        x = maker.product(maker.window(x))
    graph = Graph("net", "stream", (source,), (x,), tuple(maker.ops), tuple(maker.states))
    verify(graph, "stream")
    return graph


def frame(rng):
    """A small frame graph: convolution, pooling, a product, a share of a sum."""
    maker = Maker(rng)
    source = Value("x", (6, 5, 2), "input")
    kernel = rng.normal(0, 0.4, (3, 2, 2, 3))
    x = maker.put(Convolution, [source], (4, 4, 3), kernel=kernel, bias=rng.normal(0, 0.3, 3), strides=(1, 1),
                  dilation=(1, 1), padding=((0, 0), (0, 0)))  # fmt: skip
    x = maker.function(x)
    function = str(rng.choice(["max", "mean"]))
    x = maker.put(Pool, [x], (2, 2, 3), function=function, size=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
    x = maker.function(maker.product(maker.put(Reshape, [x], (12,)), 4))
    top = maker.put(Reduce, [x], (1,), function=str(rng.choice(["max", "min", "mean"])), axes=(0,), keepdims=True)
    x = maker.put(Binary, [x, top], (4,), function="subtract")
    raised = maker.put(Unary, [maker.put(Unary, [x], (4,), function="hard_tanh")], (4,), function="exp")
    total = maker.put(Reduce, [raised], (1,), function="sum", axes=(0,), keepdims=True)
    x = maker.product(maker.put(Binary, [raised, total], (4,), function="divide"), 2)
    graph = Graph("net", "frame", (source,), (x,), tuple(maker.ops))
    verify(graph, "lowered")
    return graph


def outside(graph, bounds, rng):
    """By how much values leave their bounds, at most, relative to their size: by chance, and by going uphill."""
    (source,) = graph.inputs
    reach = (graph.receptive_field or 24) if graph.mode == "stream" else 1
    worst = -np.inf

    def tried(candidates):
        """Values for inputs (n, reach, *shape), one behind the other; the last of each is settled."""
        nonlocal worst
        values = interpreter.evaluate(graph, [candidates.reshape(-1, *source.shape)])
        for name, y in values.items():
            flat = y.reshape(len(y), -1)
            beyond = np.maximum(flat - bounds[name].hi, bounds[name].lo - flat)
            worst = max(worst, float((beyond / (1 + np.abs(flat))).max()))
        return values

    def uphill(name, element, sign):
        size = reach * source.size
        start = rng.choice([-1.0, 1.0], (48, size))
        best, score = None, -np.inf
        for _ in range(4):
            y = tried(start.reshape(-1, reach, *source.shape))[name]
            scores = sign * y.reshape(len(start), reach, -1)[:, -1, element]
            if scores.max() <= score:
                break
            best, score = start[scores.argmax()], scores.max()
            flips = rng.choice(size, min(size, 48), replace=False)
            start = np.repeat(best[None], len(flips) + 1, axis=0)
            start[np.arange(len(flips)), flips] *= -1
            better = scores > np.median(scores)
            start[-1] = np.where(rng.random(size) < 0.5, best, rng.uniform(-1, 1, size)) if better.any() else best

    for _ in range(3):  # from reset
        tried(rng.choice([-1.0, 1.0, 0.3], (1, reach + 3, *source.shape)))
        tried(np.clip(rng.normal(0, 1, (1, reach + 3, *source.shape)), -1, 1))
    value = graph.outputs[0]
    for sign in (1, -1):
        uphill(value.name, int(rng.integers(value.size)), sign)
    return worst
