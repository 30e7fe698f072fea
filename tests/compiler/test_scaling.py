"""Compiling takes work in proportion to the number of layers: calls of functions are counted, so no clock is asked."""

import cProfile
from functools import partial

import numpy as np
import pytest

from compiler import passes
from compiler.ir import store
from compiler.ir.graph import Graph
from compiler.ir.ops import Convolution, Unary, causal
from compiler.ir.values import Value
from compiler.options import Options
from compiler.passes import FixedOptions
from compiler.targets import TARGETS

FEW, MANY = 60, 240
LEEWAY = 1.1  # over what is in proportion; a search through all layers for each of them would make it 4


def stack(layers):
    """Causal convolutions with relu, one behind the other, their ranges alike at any depth."""
    random = np.random.default_rng(0)
    x = value = Value("x", (None, 2), "input")
    ops = []
    for number in range(layers):
        kernel = random.uniform(0.1, 1, (2, 2, 2))
        sums, output = (Value(f"{kind}_{number}", (None, 2), f"layer_{number}") for kind in ("sums", "relu"))
        how = {"kernel": kernel / kernel.sum((0, 1)), "bias": np.zeros(2), "padding": causal(2, 1)}
        ops += [
            Convolution(inputs=(value,), output=sums, **how),
            Unary(inputs=(sums,), output=output, function="relu"),
        ]
        value = output
    return Graph("stack", "frame", (x,), (value,), tuple(ops))


def simple(layers):
    return passes.run(stack(layers), [*passes.prepare(), *passes.simplify()])


def fixed(layers):
    return passes.run(simple(layers), passes.finish_fixed(FixedOptions()))


def loaded(graph):
    files = store.save({"fixed": graph})
    return store.load(files["graph.json"], files["weights.npz"])


def generated(target, graph):
    return TARGETS[target].generate(graph, Options(target=target, numbers="fixed"), [])


def calls(function, argument):
    """How many calls of functions one call makes."""
    profile = cProfile.Profile()
    profile.runcall(function, argument)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize(
    "make,function",
    [(int, simple), (simple, lambda graph: passes.run(graph, passes.finish_fixed(FixedOptions())))]
    + [(fixed, function) for function in (partial(generated, "mcu"), partial(generated, "fpga"), loaded)],
    ids=["passes", "fixed point", "mcu", "fpga", "store"],
)
def test_work_grows_in_proportion_to_the_layers(make, function):
    few, many = (calls(function, make(layers)) for layers in (FEW, MANY))
    assert many < LEEWAY * MANY / FEW * few
