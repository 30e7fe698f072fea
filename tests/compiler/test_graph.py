"""The graph's text form and its verifier: for each rule, a graph that breaks it."""

from dataclasses import replace

import numpy as np
import pytest

from compiler import passes
from compiler.errors import CompileError
from compiler.ir import store
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format
from compiler.ir.ops import Binary, Convolution, MatMul, Requantize, Reshape, Unary, Window, causal
from compiler.ir.values import Value
from compiler.ir.verifier import verify
from compiler.lowering.builder import Builder
from compiler.passes import FixedOptions


def small():
    """A frame graph: a dilated convolution, a relu, a product."""
    x = Value("x", (None, 2), "input")
    y = Value("conv", (None, 3), "conv")
    z = Value("act", (None, 3), "act")
    out = Value("out", (None, 1), "out")
    kernel = np.arange(12.0).reshape(2, 2, 3) / 8 - 0.5
    ops = (
        Convolution(
            inputs=(x,), output=y, kernel=kernel, bias=np.array([0.5, -0.25, 0.0]), dilation=(3,), padding=causal(2, 3)
        ),
        Unary(inputs=(y,), output=z, function="relu"),
        MatMul(inputs=(z,), output=out, weights=np.array([[0.5], [-1.0], [0.25]]), bias=np.zeros(1)),
    )
    return Graph("small", "frame", (x,), (out,), ops)


def streaming():
    return passes.run(small(), passes.simplify())


def fixed():
    return passes.run(streaming(), passes.finish_fixed(FixedOptions()))


def test_text_of_the_stream_graph():
    assert str(streaming()) == (
        "stream graph small\n"
        "  input x: float[2]\n"
        "  state x_past: 3 x x = 2[0..0]\n"
        "  conv_window: float[2 x 2] = window(x, state=x_past, taps=2, dilation=3)  # conv\n"
        "  conv: float[3] = matmul(conv_window, weights=4x3[-0.5..0.875], bias=3[-0.25..0.5], axes=2)  # conv\n"
        "  act: float[3] = unary(conv, function=relu)  # act\n"
        "  out: float[1] = matmul(act, weights=3x1[-1..0.5], bias=1[0..0])  # out\n"
        "  output out: float[1]"
    )


def test_text_of_the_fixed_point_graph():
    assert str(fixed()) == (
        "stream graph small\n"
        "  input x: s16.15[2]\n"
        "  state x_past: 3 x x = 2[0..0]\n"
        "  conv_window: s16.15[2 x 2] = window(x, state=x_past, taps=2, dilation=3)  # conv\n"
        "  conv: s33.30[3] = matmul(conv_window, weights=4x3[-16384..28672], bias=3[-268402688..536903680], "
        "axes=2, weights_format=s16.15)  # conv\n"
        "  act_q: s16.14[3] = requantize(conv, shift=16, rounding=floor, lo=0, hi=32767)  # act\n"
        "  out: s32.29[1] = matmul(act_q, weights=3x1[-32768..16384], bias=1[16384..16384], "
        "weights_format=s16.15)  # out\n"
        "  out_q: s16.14[1] = requantize(out, shift=15, rounding=floor, lo=-32768, hi=32767)  # out\n"
        "  output out_q: s16.14[1]"
    )


@pytest.mark.parametrize("graph,level", [(small(), "lowered"), (streaming(), "stream"), (fixed(), "fixed")])
def test_sound_graphs_pass(graph, level):
    verify(graph, level)


def change(graph, kind, **attributes):
    """The graph with one operation of a kind changed."""
    index = next(i for i, op in enumerate(graph.ops) if isinstance(op, kind))
    ops = list(graph.ops)
    ops[index] = replace(ops[index], **attributes)
    return replace(graph, ops=tuple(ops))


BROKEN = {
    "float at level fixed": lambda: (streaming(), "fixed", "format"),
    "frame at level stream": lambda: (small(), "stream", "frame graph"),
    "out of order": lambda: (replace(streaming(), ops=streaming().ops[::-1]), "stream", "before or unlike"),
    "defined twice": lambda: (replace(streaming(), ops=(*streaming().ops, streaming().ops[0])), "stream", "twice"),
    "a window beyond its state": lambda: (change(streaming(), Window, dilation=4), "stream", "beyond its state"),
    "weights that do not fit": lambda: (change(streaming(), MatMul, weights=np.zeros((5, 3))), "stream", "weights"),
    "a bias that does not fit": lambda: (change(streaming(), MatMul, bias=np.zeros(2)), "stream", "bias"),
    "floats among integers": lambda: (change(fixed(), MatMul, bias=np.zeros(3)), "fixed", "type float64"),
    "a lost point": lambda: (change(fixed(), Requantize, shift=15), "fixed", "loses the point"),
    "a clamp outside its format": lambda: (change(fixed(), Requantize, hi=32768), "fixed", "clamps"),
    "an accumulator that may overflow": lambda: (
        change(fixed(), MatMul, bias=fixed().ops[1].bias * 64),
        "fixed",
        "may overflow",
    ),
    "a state of nothing": lambda: (
        replace(streaming(), states=(replace(streaming().states[0], length=0),)),
        "stream",
        "odd state",
    ),
    "an output out of nowhere": lambda: (
        replace(streaming(), outputs=(Value("elsewhere", (1,), "out"),)),
        "stream",
        "is not what",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_graphs_are_caught(case):
    graph, level, message = BROKEN[case]()
    with pytest.raises(AssertionError, match=message):
        verify(graph, level)


def test_graphs_survive_the_folder_byte_for_byte():
    files = store.save({"fixed": fixed(), "float": passes.run(streaming(), passes.finish_float())})
    back = store.load(files["graph.json"], files["weights.npz"])
    assert str(back["fixed"]) == str(fixed())
    assert store.save(back) == files


def test_the_builder_refuses_what_does_not_fit_and_names_the_layer():
    builder = Builder(name="sum")
    a, b = builder.value((3,)), builder.value((4,))
    with pytest.raises(CompileError, match=r"layer 'sum': it does not fit its input: the shapes \(3,\) and \(4,\)"):
        builder.emit(Binary, (a, b), function="add")
    assert builder.emit(Binary, (a, a), function="add").shape == (3,)
    assert builder.emit(Reshape, b, shape=(2, 2)).shape == (2, 2)


def test_receptive_field_and_macs():
    assert streaming().receptive_field == 4
    assert streaming().macs == 15


def test_chosen_formats_hold_the_worst_case():
    graph = fixed()
    assert graph.inputs[0].format == Format(True, 16, 15)
    assert graph.outputs[0].range[1] <= 2.0 ** (15 - graph.outputs[0].format.fraction)
