"""The verifier is total: for each rule a graph that breaks it, and every kind of operation has its place."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from test_graph import change, fixed, small, streaming

from compiler import passes
from compiler.ir import ops, store
from compiler.ir.graph import KINDS, Graph, Scan
from compiler.ir.movement import MOVEMENTS
from compiler.ir.numerics import Format
from compiler.ir.operation import Op
from compiler.ir.values import State, Value
from compiler.ir.verifier import verify
from compiler.passes.integers import prove_accumulators

GRID = Format(True, 8, 4)


def one(kind, *shapes, to, **attributes):
    """A frame graph of one operation."""
    inputs = tuple(Value(f"x{n}", shape, f"in_{n}") for n, shape in enumerate(shapes))
    output = Value("y", to, "layer")
    given = inputs or (Value("x", (3,), "in"),)
    return Graph("one", "frame", given, (output,), (kind(inputs=inputs, output=output, **attributes),))


def zeros(*shape):
    return np.zeros(shape)


def convolved(to=(4, 5), **attributes):
    usual = {"kernel": zeros(2, 3, 5), "bias": zeros(5)}
    return one(ops.Convolution, (5, 3), to=to, **(usual | attributes))


def scanned(to=(4, 3), **head):
    x = Value("part", head.pop("part", (3,)), "body")
    y = Value("result", x.shape, "body")
    body = Graph(
        "body", "stream", (x,), (y,), (ops.Unary(inputs=(x,), output=y, function=head.pop("function", "relu")),)
    )
    return one(Scan, (4, 3), to=to, body=body, **head)


def recurrent(length=1, shape=(2,)):
    """y = x + what y was one sample ago."""
    x, before, y = Value("x", (2,), "in"), Value("before", shape, "loop"), Value("y", (2,), "loop")
    pair = (
        ops.UnitDelay(inputs=(), output=before, state="past"),
        ops.Binary(inputs=(x, before), output=y, function="add"),
    )
    return Graph("loop", "stream", (x,), (y,), pair, (State("past", y, length, zeros(2)),))


def pool(**attributes):
    usual = {"function": "max", "size": (2,), "strides": (2,), "padding": ((0, 0),)}
    return one(ops.Pool, (6, 3), to=(3, 3), **(usual | attributes))


# Sound graphs, of which the broken ones below differ in one thing.
SOUND = {
    "convolution": convolved,
    "scan": scanned,
    "pool": pool,
    "transpose": lambda: one(ops.Transpose, (2, 3), to=(3, 2), permutation=(1, 0)),
    "reduce": lambda: one(ops.Reduce, (2, 3), to=(2,), function="sum", axes=(1,)),
    "slice": lambda: one(ops.Slice, (5, 3), to=(2, 3), axis=0, start=1, count=2),
    "slice to the end, backwards": lambda: one(ops.Slice, (5, 3), to=(5, 3), axis=0, start=4, step=-1),
    "dot": lambda: one(ops.Dot, (2, 3), (4, 3), to=(2, 4)),
    "select": lambda: one(ops.Select, (2, 3), (3,), (1,), to=(2, 3)),
    "quantize": lambda: one(ops.Quantize, (3,), to=(3,), format=GRID, rounding="floor", lo=-128, hi=127),
}
BROKEN_FRAMES = {
    "a transpose that keeps its input's shape": (
        lambda: one(ops.Transpose, (2, 3), to=(2, 3), permutation=(1, 0)),
        "has the shape",
    ),
    "a transpose of an axis that is not there": (
        lambda: one(ops.Transpose, (2, 3), to=(2, 3), permutation=(0, 2)),
        "axes .* of",
    ),
    "a reduction over axis 9": (lambda: one(ops.Reduce, (2, 3), to=(2,), function="sum", axes=(9,)), "axis 9"),
    "a reduction over an axis twice": (lambda: one(ops.Reduce, (2, 3), to=(2,), function="sum", axes=(1, 1)), "axes"),
    "a reduction by nothing known": (lambda: one(ops.Reduce, (2, 3), to=(2,), function="median", axes=(1,)), "median"),
    "an unknown function": (lambda: one(ops.Unary, (3,), to=(3,), function="sin_h"), "sin_h"),
    "a function without its parameters": (
        lambda: one(ops.Unary, (3,), to=(3,), function="elu"),
        "takes 1 parameters",
    ),
    "an unknown function of two": (lambda: one(ops.Binary, (3,), (3,), to=(3,), function="power"), "power"),
    "shapes that do not broadcast": (
        lambda: one(ops.Binary, (3,), (4,), to=(4,), function="add"),
        "do not go together",
    ),
    "too few inputs": (lambda: one(ops.Binary, (3,), to=(3,), function="add"), "reads 1 values"),
    "too many inputs": (lambda: one(ops.Unary, (3,), (3,), to=(3,), function="relu"), "reads 2 values"),
    "nothing to concatenate": (lambda: one(ops.Concatenate, to=(3,), axis=0), "reads nothing"),
    "a concatenation of unlike shapes": (lambda: one(ops.Concatenate, (2, 3), (2, 4), to=(4, 3), axis=0), "do not go"),
    "a concatenation too short": (lambda: one(ops.Concatenate, (2, 3), (2, 3), to=(3, 3), axis=0), "has the shape"),
    "a reshape that loses numbers": (lambda: one(ops.Reshape, (2, 3), to=(5,)), r"\(2, 3\) as \(5,\)"),
    "a kernel of other channels": (lambda: convolved(kernel=zeros(2, 4, 5)), "a kernel of"),
    "a bias of the wrong length": (lambda: convolved(bias=zeros(4)), "a bias of"),
    "groups that do not divide": (lambda: convolved(kernel=zeros(2, 1, 5), groups=3), "groups"),
    "a stride of 0": (lambda: convolved(strides=(0,)), "every 0"),
    "strides for two axes": (lambda: convolved(strides=(1, 1)), "windows of"),
    "windows beyond the input": (lambda: convolved(dilation=(5,)), "a window of 6 over 5"),
    "a convolution of the wrong length": (lambda: convolved(to=(5, 5)), "has the shape"),
    "a product with too many rows": (
        lambda: one(ops.MatMul, (3,), to=(2,), weights=zeros(4, 2), bias=zeros(2)),
        "weights of",
    ),
    "a product over more axes than there are": (
        lambda: one(ops.MatMul, (3,), to=(2,), weights=zeros(3, 2), bias=zeros(2), axes=2),
        "over 2 axes",
    ),
    "a scale of other channels": (lambda: one(ops.Affine, (3,), to=(3,), scale=zeros(4), shift=zeros(4)), "a scale of"),
    "a pool of an unknown kind": (lambda: pool(function="median"), "median"),
    "a pool over two axes of one": (lambda: pool(size=(2, 2)), "windows of"),
    "products of unlike rows": (lambda: one(ops.Dot, (2, 3), (4, 5), to=(2, 4)), "no product"),
    "a slice beyond the end": (lambda: one(ops.Slice, (5,), to=(4,), axis=0, start=2, count=4), "a slice of 4"),
    "a slice that stands still": (lambda: one(ops.Slice, (5,), to=(4,), axis=0, start=2, step=0), "by 0"),
    "padding for one axis of two": (lambda: one(ops.Pad, (2, 3), to=(4, 3), padding=((1, 1),)), "padding"),
    "negative padding": (lambda: one(ops.Pad, (3,), to=(2,), padding=((-1, 0),)), "padding"),
    "a repetition of nothing": (lambda: one(ops.Repeat, (3,), to=(3,), axis=0, times=0), "repeated 0"),
    "zeros along no axis": (lambda: one(ops.ZeroInsertion, (3,), to=(5,), axis=-1, gap=1), "axis -1"),
    "a table of one axis": (lambda: one(ops.Gather, (3,), to=(3, 4), table=zeros(4)), "a table of"),
    "a constant of another shape": (lambda: one(ops.Constant, to=(3,), value=zeros(2)), "has the shape"),
    "a quantiser with lo above hi": (
        lambda: one(ops.Quantize, (3,), to=(3,), format=GRID, rounding="floor", lo=1, hi=0),
        r"a clamp to 1 \.\.\. 0",
    ),
    "a quantiser beyond its format": (
        lambda: one(ops.Quantize, (3,), to=(3,), format=GRID, rounding="floor", lo=0, hi=128),
        "clamps beyond",
    ),
    "an unknown rounding": (
        lambda: one(ops.Quantize, (3,), to=(3,), format=GRID, rounding="ceiling", lo=0, hi=1),
        "nothing rounds ceiling",
    ),
    "a body that takes something else": (lambda: scanned(part=(2,)), "a body that takes"),
    "a scan that keeps its steps to itself": (lambda: scanned(sequences=False), "has the shape"),
    "a body that is wrong": (lambda: scanned(function="sin_h"), "sin_h"),
    "weights in float32": (lambda: convolved(bias=np.zeros(5, np.float32)), "of the type float32"),
    "a window among frames": (
        lambda: one(ops.Window, (3,), to=(2, 3), state="s", taps=2, dilation=1),
        "Window at level",
    ),
    "integers among floats": (
        lambda: one(ops.Requantize, (3,), to=(3,), shift=0, rounding="floor", lo=0, hi=1),
        "Requantize at level",
    ),
    "a name that is no identifier": (
        lambda: Graph("g", "frame", (Value("a;b", (3,), "in"),), (Value("a;b", (3,), "in"),), ()),
        "no identifier",
    ),
    "a graph without outputs": (lambda: replace(convolved(), outputs=()), "has no output"),
    "a graph without inputs": (lambda: replace(one(ops.Constant, to=(3,), value=zeros(3)), inputs=()), "has no input"),
    "a graph whose name is none of C": (lambda: replace(convolved(), name="a b"), "no identifier"),
    "an axis of no length": (lambda: one(ops.Unary, (0, 3), to=(0, 3), function="relu"), r"the shape \(0, 3\)"),
    "an axis of negative length": (lambda: one(ops.Unary, (-3,), to=(-3,), function="relu"), r"the shape \(-3,\)"),
    "a box of padding alone": (
        lambda: one(ops.Pool, (6, 3), to=(7, 3), function="max", size=(2,), strides=(2,), padding=((9, 0),)),
        "nothing but padding",
    ),
    "one key for two outputs": (
        lambda: replace(convolved(), outputs=2 * convolved().outputs, warm_ups=(0, 0), output_keys=("a", "a")),
        "output keys",
    ),
    "keys for other outputs": (lambda: replace(convolved(), output_keys=("a", "b")), "output keys"),
    "a format in floating point": (
        lambda: Graph("g", "frame", (Value("x", (3,), "in", GRID),), (Value("x", (3,), "in", GRID),), ()),
        "has the format",
    ),
    "a frame with a past": (
        lambda: replace(convolved(), states=(State("s", convolved().inputs[0], 1, zeros(5, 3)),)),
        "no states",
    ),
}


def states(graph, **attributes):
    (state,) = graph.states
    return replace(graph, states=(replace(state, **attributes),))


BROKEN_STREAMS = {
    "a warm-up too many": (lambda: replace(streaming(), warm_ups=(0, 0)), "2 warm-ups"),
    "a window that is longer than its state": (lambda: change(streaming(), ops.Window, dilation=4), "beyond its state"),
    "a window of no state": (lambda: change(streaming(), ops.Window, state="elsewhere"), "reads no state"),
    "a window of no taps": (lambda: change(streaming(), ops.Window, taps=0), "0 taps"),
    "a state of another shape": (lambda: states(streaming(), initial=zeros(3)), "an odd state"),
    "a state of integers": (lambda: states(streaming(), initial=np.zeros(2, np.int64)), "of the type int64"),
    "a state of another value": (lambda: states(streaming(), value=streaming().ops[1].output), "an odd state"),
    "two states of one name": (lambda: replace(streaming(), states=2 * streaming().states), "share a name"),
    "a unit delay further back than one sample": (lambda: recurrent(length=2), "delays past"),
    "a unit delay of another shape": (lambda: recurrent(shape=(1,)), "delays past"),
    "a control that is no input": (lambda: replace(streaming(), controls=("conv",)), "cannot be a control"),
    "a stream of controls alone": (lambda: replace(streaming(), controls=("x",)), "no input with time"),
    "a control twice": (lambda: replace(streaming(), controls=("x", "x")), "control twice"),
    "a negative warm-up": (lambda: replace(streaming(), warm_ups=(-1,)), "an odd warm-up"),
    "an axis of unknown length": (
        lambda: replace(
            Graph("g", "stream", (Value("x", (None,), "in"),), (Value("x", (None,), "in"),), ()),
        ),
        r"has the shape \(None,\)",
    ),
    "a convolution in a stream": (lambda: replace(convolved(), mode="stream"), "Convolution at level"),
}


def narrowed(graph, kind=ops.MatMul):
    """The first accumulator one bit too narrow."""
    product = next(op for op in graph.ops if isinstance(op, kind))
    y = replace(product.output, format=replace(product.output.format, width=product.output.format.width - 1))
    swap = {product.output.name: y}
    changed = tuple(
        replace(op, inputs=tuple(swap.get(v.name, v) for v in op.inputs), output=swap.get(op.output.name, op.output))
        for op in graph.ops
    )
    return replace(graph, ops=changed)


def summed():
    """y = a - 4 b, and what it is rounded to."""
    a, b = (Value(name, (3,), name, Format(True, 8, fraction)) for name, fraction in (("a", 6), ("b", 4)))
    sums = Value("sums", (3,), "sum", Format(True, 40, 6))
    y = Value("y", (3,), "sum", Format(True, 8, 2))
    ops_ = (
        ops.Sum(inputs=(a, b), output=sums, shifts=(0, 2), signs=(1, -1)),
        ops.Requantize(inputs=(sums,), output=y, shift=4, rounding="half_up", lo=-128, hi=127),
    )
    return prove_accumulators(Graph("sum", "stream", (a, b), (y,), ops_))


def joined(kind=ops.Concatenate, size=6, **attributes):
    """Two values, on one grid or not, made one."""
    a, b = (Value(name, (3,), name, Format(True, 8, attributes.pop(name, 4))) for name in "ab")
    y = Value("y", (size,), "join", Format(True, 8, 4))
    op = kind(inputs=(a, b), output=y, **attributes)
    return prove_accumulators(Graph("join", "stream", (a, b), (y,), (op,)))


BROKEN_FIXED = {
    "values on two grids one behind the other": (lambda: joined(axis=0, b=5), "joins values of different formats"),
    "the maximum of two grids": (
        lambda: joined(ops.Binary, 3, function="maximum", a=3),
        "joins values of different formats",
    ),
    "a quotient of integers": (
        lambda: change(joined(ops.Binary, 3, function="minimum"), ops.Binary, function="divide"),
        "is no operation on integers",
    ),
    "a product that loses the point": (
        lambda: change(joined(ops.Binary, 3, function="minimum"), ops.Binary, function="multiply"),
        "loses the point",
    ),
    "a sum one bit too narrow": (lambda: narrowed(summed(), ops.Sum), "may overflow"),
    "a term that loses the point": (lambda: change(summed(), ops.Sum, shifts=(0, 1)), "loses the point of b"),
    "a term shifted to the right": (lambda: change(summed(), ops.Sum, shifts=(-1, 2)), "sums: shifts by -1"),
    "a term without a shift": (lambda: change(summed(), ops.Sum, shifts=(0,)), r"terms \(0,\) by \(1, -1\)"),
    "a sign that is none": (lambda: change(summed(), ops.Sum, signs=(1, 2)), r"the signs \(1, 2\)"),
    "an interval that is not that of what is computed": (
        lambda: change(fixed(), ops.Requantize, hi=9),
        r"is not in \(0, 32767\)",
    ),
    "an accumulator one bit too narrow": (lambda: narrowed(fixed()), "may overflow"),
    "weights beyond their format": (
        lambda: change(fixed(), ops.MatMul, weights=fixed().ops[1].weights * 8),
        "holds numbers beyond",
    ),
    "weights without a format": (lambda: change(fixed(), ops.MatMul, weights_format=None), "without a format"),
    "a requantisation with lo above hi": (
        lambda: change(fixed(), ops.Requantize, lo=9, hi=8),
        r"a clamp to 9 \.\.\. 8",
    ),
    "an unknown way to round": (lambda: change(fixed(), ops.Requantize, rounding="up"), "nothing rounds up"),
    "a past beyond its format": (lambda: states(fixed(), initial=np.full(2, 1 << 20)), "holds numbers beyond"),
    "a control alone": (lambda: replace(fixed(), controls=("x",)), "has no input with time"),
}
BROKEN = {
    name: (make, level, message)
    for level, cases in (("lowered", BROKEN_FRAMES), ("stream", BROKEN_STREAMS), ("fixed", BROKEN_FIXED))
    for name, (make, message) in cases.items()
}


@pytest.mark.parametrize("case", SOUND)
def test_sound_graphs_pass(case):
    verify(SOUND[case](), "lowered")


def test_a_sound_recurrence_passes():
    verify(recurrent(), "stream")


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_graph_is_refused(case):
    make, level, message = BROKEN[case]
    with pytest.raises(AssertionError, match=message):
        verify(make(), level)


def test_a_sound_sum_passes():
    """In 11 bits: -128 - 4 * 127 to 127 + 4 * 128, and 8 more for the rounding."""
    verify(summed(), "fixed")
    assert str(summed().ops[0].output.format) == "s11.6"


def test_sound_joins_pass():
    verify(joined(axis=0), "fixed")
    verify(joined(ops.Binary, 3, function="maximum"), "fixed")


def test_every_kind_has_its_place_and_its_rule_of_shapes():
    written = {kind for kind in vars(ops).values() if isinstance(kind, type) and issubclass(kind, Op)} - {Op}
    assert written | {Scan} == set(KINDS.values())
    for kind in KINDS.values():
        assert {*kind.modes} <= {"frame", "stream"} and {*kind.numbers} <= {"float", "integer"}
        assert kind.modes and kind.numbers
        assert kind.output_shape is not Op.output_shape
    integer = {ops.Window, ops.MatMul, ops.Convolution, ops.Requantize, ops.Sum, ops.Binary, ops.Constant}
    integer |= {ops.Reduce, ops.Pool, ops.Piecewise, ops.Table, ops.UnitDelay, *MOVEMENTS}
    assert {kind for kind in KINDS.values() if "integer" in kind.numbers} == integer


def test_a_kind_that_is_not_listed_is_refused():
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Novelty(ops.Unary):
        """Of an own kind, although it is much like another."""

    for mode, level in (("frame", "lowered"), ("stream", "stream"), ("frame", "float")):
        graph = replace(one(Novelty, (3,), to=(3,), function="relu"), mode=mode)
        with pytest.raises(AssertionError, match="Novelty at level"):
            verify(graph, level)


def test_a_build_with_a_wrong_graph_is_refused_when_it_is_loaded():
    graph = passes.run(streaming(), passes.finish_float())
    files = store.save({"float": graph})
    assert str(store.load(files["graph.json"], files["weights.npz"])["float"]) == str(graph)
    for old, new in ((b'"function": "relu"', b'"function": "rely"'), (b'"dilation": 3', b'"dilation": 9')):
        assert old in files["graph.json"]
        with pytest.raises(ValueError, match="graph"):
            store.load(files["graph.json"].replace(old, new), files["weights.npz"])


def test_a_build_of_another_format_is_refused():
    files = store.save({"fixed": fixed()})
    for other in (b'"format": 1', b'"format": true', b'"former": 2'):
        text = files["graph.json"].replace(f'"format": {store.FORMAT}'.encode(), other)
        with pytest.raises(ValueError, match="another version of the compiler"):
            store.load(text, files["weights.npz"])


def test_the_frame_graph_of_other_tests_is_sound():
    verify(small(), "lowered")
