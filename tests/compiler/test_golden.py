"""What is printed is golden: ten small graphs after each pass, and a .c, a .h and a .v, as they lie in tests/golden/.

A change of form fails here first, and shows in review as a difference of text. Where it is meant, renew the files and
read what has changed:

    python tests/compiler/test_golden.py
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from compiler import passes
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format
from compiler.ir.ops import (
    Affine,
    Binary,
    Constant,
    Convolution,
    MatMul,
    Pool,
    Quantize,
    Reduce,
    Reshape,
    Slice,
    Unary,
    ZeroInsertion,
    causal,
)
from compiler.lowering.builder import Builder
from compiler.options import Options
from compiler.passes import FixedOptions
from compiler.targets import TARGETS

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
GRID = Format(True, 8, 5)


class Net:
    """A frame graph under construction, one layer after the other, its numbers counted up in steps of 1/8."""

    def __init__(self, *shapes):
        self.builder = Builder(name="input")
        self.inputs = tuple(self.builder.value(shape) for shape in shapes)

    def add(self, layer, kind, *inputs, **attributes):
        self.builder.name = layer
        return self.builder.emit(kind, inputs, **attributes)

    def numbers(self, *shape):
        count = int(np.prod(shape))
        return ((np.arange(count) * 5) % 13 - 6).reshape(shape) / 8

    def conv(self, layer, x, filters, taps=2, dilation=1, **how):
        kernel, bias = self.numbers(taps, x.shape[-1], filters), self.numbers(filters)
        how = {"padding": causal(taps, dilation)} | how
        return self.add(layer, Convolution, x, kernel=kernel, bias=bias, dilation=(dilation,), **how)

    def dense(self, layer, x, units, **how):
        return self.add(layer, MatMul, x, weights=self.numbers(x.shape[-1], units), bias=self.numbers(units), **how)

    def unary(self, layer, x, function, *parameters):
        return self.add(layer, Unary, x, function=function, parameters=parameters)

    def binary(self, layer, function, a, b):
        return self.add(layer, Binary, a, b, function=function)

    def affine(self, layer, x):
        n = x.shape[-1]
        return self.add(layer, Affine, x, scale=1 + np.arange(n) / 4, shift=self.numbers(n))

    def grid(self, layer, x):
        return self.add(layer, Quantize, x, format=GRID, rounding="half_even", lo=GRID.lo, hi=GRID.hi)

    def graph(self, name, *outputs):
        return Graph(name, "frame", self.inputs, outputs, tuple(self.builder.ops))


def convolved():
    """A dilated causal convolution, a relu, a product."""
    net = Net((None, 2))
    x = net.unary("relu", net.conv("conv", *net.inputs, 3, taps=2, dilation=3), "relu")
    return net.graph("convolved", net.dense("out", x, 1))


def normalized():
    """Batch normalisations in front of a convolution and behind it."""
    net = Net((None, 2))
    x = net.conv("conv", net.affine("before", *net.inputs), 3)
    x = net.unary("relu", net.unary("relu_again", net.affine("behind", x), "relu"), "relu")
    return net.graph("normalized", net.dense("out", x, 2))


def gated():
    """Branches over one value, which share its past."""
    net = Net((None, 2))
    (x,) = net.inputs
    a = net.unary("tanh", net.conv("a", x, 2, dilation=2), "tanh")
    b = net.unary("sigmoid", net.conv("b", x, 2, dilation=5), "sigmoid")
    return net.graph("gated", net.binary("sum", "add", x, net.binary("gate", "multiply", a, b)))


def cropped():
    """Outputs with warm-ups of their own, and a branch that waits for another."""
    net = Net((20, 2))
    (x,) = net.inputs
    late = net.conv("valid", x, 2, taps=4, padding=((0, 0),))
    soon = net.add("crop", Slice, net.dense("dense", x, 2), axis=0, start=3)
    return net.graph("cropped", net.binary("meet", "add", late, soon), net.unary("early", x, "tanh"))


def controlled():
    """A knob beside the sound: what follows from it alone is computed once a block."""
    net = Net((None, 2), (3,))
    x, knobs = net.inputs
    gain = net.unary("curve", net.dense("gain", knobs, 2), "sigmoid")
    row = net.add("row", Reshape, gain, shape=(1, 2))
    return net.graph("controlled", net.binary("scaled", "multiply", net.conv("conv", x, 2), row))


def recurrent():
    """A loop over time, whose body remembers its last output."""
    net = Net((None, 2))
    (x,) = net.inputs

    def step(body, element):
        before, remember = body.unit_delay(np.zeros(2))
        total = body.emit(Binary, (element, before), function="add", suffix="_total")
        y = body.emit(Unary, total, function="tanh")
        remember(y)
        return y

    net.builder.name = "loop"
    return net.graph("recurrent", net.dense("out", net.builder.scan(x, step), 1))


def pictured():
    """A picture, down to a vector, in whole frames."""
    net = Net((6, 4, 1))
    kernel, bias = net.numbers(3, 3, 1, 2), net.numbers(2)
    how = {"strides": (1, 1), "dilation": (1, 1), "padding": ((1, 1), (1, 1))}
    x = net.add("conv", Convolution, *net.inputs, kernel=kernel, bias=bias, **how)
    x = net.add("pool", Pool, x, function="max", size=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
    x = net.add("mean", Reduce, net.add("flat", Reshape, x, shape=(6, 2)), function="mean", axes=(0,))
    return net.graph("pictured", net.dense("out", x, 3))


def transposed():
    """A transposed convolution: zeros between the steps, then a convolution, in whole frames."""
    net = Net((4, 2))
    x = net.add("spread", ZeroInsertion, *net.inputs, axis=0, gap=1)
    return net.graph("transposed", net.conv("conv", x, 2, taps=3, padding=((2, 2),)))


def repeated():
    """The same twice, constants of constants, and what nobody reads."""
    net = Net((None, 2))
    (x,) = net.inputs
    two = net.binary("two", "add", *(net.add(name, Constant, value=np.ones((1, 2))) for name in ("one", "other")))
    net.unary("dead", x, "exp")
    twins = [net.unary(name, net.conv(f"{name}_conv", x, 2), "tanh") for name in ("twin", "again")]
    return net.graph("repeated", net.binary("scaled", "multiply", net.binary("sum", "add", *twins), two))


def quantized():
    """Quantisers of the file, which say what every value and weight is."""
    net = Net((None, 2))
    x = net.grid("grid_in", *net.inputs)
    formats = {"weights_format": GRID, "bias_format": GRID}
    x = net.grid("grid", net.unary("relu", net.conv("conv", x, 2, **formats), "relu"))
    y = net.dense("dense", x, 2, weights_format=GRID, bias_format=GRID)
    return net.graph("quantized", net.grid("grid_out", y))


STREAMS = (convolved, normalized, gated, cropped, controlled, recurrent, repeated, quantized)
FRAMES = (pictured, transposed)
FIXED = (convolved, normalized, quantized)


def pages(make):
    """A graph as text after each pass, down to what a target is given."""
    lowered = make()
    simple = [*passes.prepare(), *passes.simplify("stream" if make in STREAMS else "frame")]
    texts = list(passes.steps(lowered, simple))
    ends = [passes.finish_float(), *([passes.finish_fixed(FixedOptions())] if make in FIXED else [])]
    _, finished = texts[-1]
    texts += [step for end in ends for step in passes.steps(finished, end)]
    before = str(lowered)
    yield f"{make.__doc__}\n\n== lowered ==\n\n{before}\n"
    for function, after in texts:
        name = (function.func if isinstance(function, partial) else function).__name__
        text = str(after)
        yield f"\n== {name} ==\n\n{'As before.' if text == before else text}\n"
        before = text


def golden():
    """Every file of tests/golden/ by its name, as it would be written now."""
    for make in (*STREAMS, *FRAMES):
        yield f"{make.__name__}.txt", "".join(pages(make))
    graph = passes.run(
        passes.run(convolved(), [*passes.prepare(), *passes.simplify()]), passes.finish_fixed(FixedOptions())
    )
    for target, kinds in (("mcu", ("c", "h")), ("fpga", ("v",))):
        options = Options(target=target, numbers="fixed")
        files, _ = TARGETS[target].generate(graph, options, ["The banner of a build stands here."])
        for kind in kinds:
            yield f"convolved.{kind}", files[f"convolved.{kind}"].decode()


@pytest.fixture(scope="module")
def now():
    return dict(golden())


NAMES = [*(f"{make.__name__}.txt" for make in (*STREAMS, *FRAMES)), *(f"convolved.{kind}" for kind in "chv")]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_is_golden(name, now):
    assert now[name] == (GOLDEN / name).read_text()


def test_all_that_is_golden_is_still_printed(now):
    assert sorted(now) == sorted(path.name for path in GOLDEN.iterdir()) == sorted(NAMES)


def renew():
    """Writes tests/golden/ anew, and says what has changed."""
    GOLDEN.mkdir(exist_ok=True)
    made = dict(golden())
    for path in sorted(GOLDEN.iterdir()):
        if path.name not in made:
            path.unlink()
            print(f"gone     {path.name}")
    for name, text in made.items():
        path = GOLDEN / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"changed  {name}")


if __name__ == "__main__":
    sys.exit(renew())
