"""Folding: the fewest multipliers for a pace, the best pace for some multipliers, and errors that name the layer."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from compiler import passes
from compiler.errors import CompileError
from compiler.fpga.folding import Folding, choices, cycles, fold
from compiler.fpga.stages import stages
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format
from compiler.ir.ops import Convolution, MatMul, Requantize, Unary, causal
from compiler.ir.values import Value
from compiler.passes import FixedOptions


def network(*layers):
    """The stages of a chain of (taps, dilation, filters) with relus between, on 4 inputs, with random weights."""
    rng = np.random.default_rng(0)
    x = source = Value("x", (None, 4), "input")
    ops = []
    for number, (taps, dilation, filters) in enumerate(layers):
        y = Value(f"conv_{number}", (None, filters), f"conv_{number}")
        kernel = rng.normal(0, 0.3, (taps, x.shape[-1], filters))
        ops.append(
            Convolution(
                inputs=(x,),
                output=y,
                kernel=kernel,
                bias=rng.normal(0, 0.1, filters),
                dilation=(dilation,),
                padding=causal(taps, dilation),
            )
        )
        x = Value(f"relu_{number}", y.shape, f"relu_{number}")
        ops.append(Unary(inputs=(y,), output=x, function="relu"))
    graph = passes.run(Graph("net", "frame", (source,), (x,), tuple(ops)), passes.simplify())
    return passes.run(graph, passes.finish_fixed(FixedOptions()))


def three_layers():
    return stages(network((4, 1, 16), (4, 4, 16), (4, 16, 4)))


def test_the_published_budget():
    """1,536 products in 64 cycles: 24 multipliers, none of them ever idle."""
    chain = three_layers()
    folding = fold(chain, budget=64)
    assert [f.output_lanes for f in folding] == [4, 16, 4]
    assert sum(f.multipliers for f in folding) == 24
    assert {cycles(stage, f) for stage, f in zip(chain, folding, strict=True)} == {64}


@pytest.mark.parametrize("budget", [16, 20, 32, 64, 100, 256, 1024, 5000])
def test_the_fewest_multipliers_for_a_pace(budget):
    for stage, chosen in zip(three_layers(), fold(three_layers(), budget=budget), strict=True):
        every = itertools.product(range(1, stage.inputs + 1), range(1, stage.outputs + 1))
        least = min(i * o for i, o in every if cycles(stage, Folding(i, o)) <= budget)
        assert chosen.multipliers == least
        assert cycles(stage, chosen) <= budget


@pytest.mark.parametrize("multipliers", [3, 5, 10, 24, 40, 100])
def test_the_best_pace_for_some_multipliers(multipliers):
    chain = three_layers()
    folding = fold(chain, budget=10_000, multipliers=multipliers)
    assert sum(f.multipliers for f in folding) <= multipliers
    pace = max(cycles(stage, f) for stage, f in zip(chain, folding, strict=True))
    with pytest.raises(CompileError):
        fold(chain, budget=pace - 1, multipliers=multipliers)


def test_each_choice_is_faster_than_the_cheaper_one():
    for stage in three_layers():
        paces = [pace for pace, _ in choices(stage)]
        costs = [folding.multipliers for _, folding in choices(stage)]
        assert paces == sorted(set(paces), reverse=True)
        assert costs == sorted(costs)


def test_what_is_impossible_is_refused_by_name():
    with pytest.raises(CompileError, match="needs 16 clock cycles a sample; there are 15") as caught:
        fold(three_layers(), budget=15)
    assert caught.value.layer == "conv_0"
    with pytest.raises(CompileError, match="2 multipliers are too few: 3 are needed"):
        fold(three_layers(), budget=10_000, multipliers=2)


def test_stages_take_layers_together():
    chain = three_layers()
    assert [(stage.taps, stage.dilation, stage.inputs, stage.outputs) for stage in chain] == [
        (4, 1, 4, 16),
        (4, 4, 16, 16),
        (4, 16, 16, 4),
    ]
    assert all(stage.requantize.lo == 0 for stage in chain)


def test_a_lone_requantisation_becomes_a_stage():
    graph = network((2, 1, 3))
    last = graph.outputs[0]
    narrow = Value("narrow", last.shape, "narrow", replace(last.format, fraction=last.format.fraction - 4))
    wide = Value("wide", last.shape, "wide", replace(last.format, fraction=last.format.fraction + 2))
    down = Requantize(inputs=(last,), output=narrow, shift=4, rounding="half_even", lo=0, hi=narrow.format.hi)
    up = Requantize(inputs=(narrow,), output=wide, shift=-6, rounding="floor", lo=0, hi=wide.format.hi)
    chain = stages(replace(graph, ops=(*graph.ops, down, up), outputs=(wide,)))
    assert [stage.requantize.shift for stage in chain[1:]] == [4, -6]
    assert all(np.array_equal(stage.weights, np.eye(3)) for stage in chain[1:])


def test_zeros_that_all_weights_end_in_take_no_multiplier():
    """Ternary weights under a fine bias are kept in two bits."""
    graph = network((2, 1, 3))
    product = next(op for op in graph.ops if isinstance(op, MatMul))
    ternary = replace(product, weights=np.sign(product.weights) << 9, weights_format=Format(True, 11, 9))
    (stage,) = stages(replace(graph, ops=tuple(ternary if op is product else op for op in graph.ops)))
    assert (stage.sum_shift, stage.weight_width) == (9, 2)
    assert np.array_equal(stage.weights << 9, ternary.weights)
    nothing = replace(product, weights=np.zeros_like(product.weights))
    (stage,) = stages(replace(graph, ops=tuple(nothing if op is product else op for op in graph.ops)))
    assert (stage.sum_shift, stage.weight_width) == (0, product.weights_format.width)


def test_branches_are_refused_by_name():
    graph = network((2, 1, 3), (1, 1, 3))
    product = next(op for op in graph.ops if isinstance(op, MatMul) and op.output.layer == "conv_1")
    extra = Value("extra", product.output.shape, "side", product.output.format)
    branch = replace(product, output=extra)
    end = replace(graph.outputs[0], name="end", layer="end")
    clamp = Requantize(inputs=(extra,), output=end, shift=graph.ops[-1].shift, rounding="floor", lo=0, hi=32767)
    with pytest.raises(CompileError, match="another layer reads the same value") as caught:
        stages(replace(graph, ops=(*graph.ops, branch, clamp)))
    assert caught.value.layer == "side"
