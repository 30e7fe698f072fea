"""Proven bounds hold whatever comes in, and are as tight as they are said to be."""

import bound_tools
import numpy as np
import pytest

from compiler.errors import CompileError
from compiler.ir.functions import FUNCTIONS, apply
from compiler.ir.graph import Graph
from compiler.ir.ops import Binary, MatMul, Unary, UnitDelay
from compiler.ir.values import State, Value
from compiler.passes import lines
from compiler.passes.function_ranges import image
from compiler.passes.relations import CORNERS
from compiler.passes.relaxation import relax

ROUNDING = 1e-9  # of the interpreter's float64, relative


def leaving(seeds, kind):
    """The seeds of the graphs whose values leave their bounds."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        make = {"stream": bound_tools.stream, "frame": bound_tools.frame}.get(kind)
        graph = make(rng) if make else bound_tools.stream(rng, recurrent=True)
        bounds = relax(graph, {"x": (-1.0, 1.0)})
        if bound_tools.outside(graph, bounds, rng) > ROUNDING:
            found.append(seed)
    return found


@pytest.mark.parametrize("kind,seeds", [("stream", range(12)), ("frame", range(6)), ("recurrent", range(2))])
def test_nothing_leaves_its_bounds(kind, seeds):
    assert leaving(seeds, kind) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind,seeds", [("stream", range(100, 800)), ("frame", range(250)), ("recurrent", range(50))])
def test_nothing_leaves_its_bounds_in_a_thousand_networks(kind, seeds):
    assert leaving(seeds, kind) == []


def test_a_rule_that_is_not_sound_is_caught(monkeypatch):
    sound = lines.of_pieces

    def through_the_middle(*arguments):
        found = sound(*arguments)
        return lines.Lines(found.upper, found.above / 2, found.lower, found.below)

    monkeypatch.setattr(lines, "of_pieces", through_the_middle)
    assert leaving(range(12), "stream")


def test_a_state_that_is_forgotten_is_caught(monkeypatch):
    """Hidden states begin at zero, not where a layer rests, and bounds have to hold of that."""
    import compiler.passes.relaxation as relaxation

    def as_it_is(self, op, relation, rest):
        return relation

    monkeypatch.setattr(relaxation.Relaxation, "_holding_at", as_it_is)
    assert leaving(range(12), "stream")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_between_its_lines(name):
    rng = np.random.default_rng(7)
    ends = np.sort(rng.normal(0, 3, (2, 60)), axis=0)
    lo, hi = ends + (10 if name in bound_tools.ABOVE_ZERO else 0)
    lo[0], hi[0], lo[1], hi[1] = 0.5, 0.5, 0.0, 1e-12
    parameters = bound_tools.PARAMETERS.get(name, ())
    if name in bound_tools.ABOVE_ZERO:
        lo, hi = np.maximum(lo, 0.3), np.maximum(hi, 0.3)

    def function(x):
        return apply(name, x, parameters)

    if name in CORNERS:
        found = lines.of_pieces(function, [np.array(c) for c in CORNERS[name](*parameters)], lo, hi)
    else:
        found = lines.of_curve(function, lambda a, b: image(name, parameters, a, b), lo, hi)
    x = lo + (hi - lo) * np.linspace(0, 1, 997)[:, None]
    x = np.clip(x, lo, hi)
    y = function(x)
    assert (y <= found.upper * x + found.above).all()
    assert (y >= found.lower * x + found.below).all()


def chain(*weights, relu=True):
    """Dense layers by their weights, a relu between each two."""
    x = source = Value("x", (len(weights[0]),), "input")
    ops = []
    for n, w in enumerate(weights):
        w = np.array(w, np.float64)
        y = Value(f"y{n}", (w.shape[1],), f"dense_{n}")
        ops.append(MatMul(inputs=(x,), output=y, weights=w, bias=np.zeros(w.shape[1])))
        x = y
        if relu and n < len(weights) - 1:
            x = Value(f"r{n}", y.shape, f"dense_{n}")
            ops.append(Unary(inputs=(y,), output=x, function="relu"))
    return Graph("net", "frame", (source,), (x,), tuple(ops))


def test_linear_layers_are_exact_but_for_rounding():
    graph = chain([[1.0, 1.0]], [[1.0], [-1.0]], relu=False)
    exact, plain = (relax(graph, {"x": (-1, 1)}, tighten=tighten)["y1"] for tighten in (True, False))
    assert (plain.lo[0], plain.hi[0]) == pytest.approx((-2, 2))
    assert max(abs(exact.lo[0]), exact.hi[0]) < 1e-12


def test_what_is_blended_stays_between_its_parts():
    """A state between itself and a bounded number, in the one form or the other, keeps to that number's bounds."""
    x, before, gate, new, gap, moved, y = (Value(n, (1,), "gru") for n in ("x", "b", "g", "n", "d", "m", "y"))
    ops = (
        UnitDelay(inputs=(), output=before, state="s"),
        Unary(inputs=(x,), output=gate, function="sigmoid"),
        Unary(inputs=(before,), output=new, function="tanh"),
        Binary(inputs=(before, new), output=gap, function="subtract"),
        Binary(inputs=(gate, gap), output=moved, function="multiply"),
        Binary(inputs=(new, moved), output=y, function="add"),
    )
    graph = Graph("net", "stream", (x,), (y,), ops, (State("s", y, 1, np.full(1, 0.5)),))
    bounds = relax(graph, {"x": (-1, 1)})["b"]
    assert -1 <= bounds.lo[0] <= 0.5 <= bounds.hi[0] <= 1


def test_no_bounds_of_a_sum_without_end():
    x, before, y = (Value(name, (1,), "sum") for name in ("x", "before", "y"))
    ops = (UnitDelay(inputs=(), output=before, state="s"), Binary(inputs=(x, before), output=y, function="add"))
    graph = Graph("net", "stream", (x,), (y,), ops, (State("s", y, 1, np.zeros(1)),))
    with pytest.raises(CompileError, match="no bounds are found") as error:
        relax(graph, {"x": (-1, 1)})
    assert "--calibrate" in str(error.value)
