"""Functions of one number in fixed point: what they miss, over all inputs; their ranges; and what is refused."""

from dataclasses import replace

import model_files
import numpy as np
import pytest

import compiler
from compiler import passes, saturation
from compiler.errors import CompileError
from compiler.ir import functions, interpreter
from compiler.ir.graph import Graph
from compiler.ir.numerics import Format, dequantize
from compiler.ir.ops import Piecewise, Requantize, Table, Unary
from compiler.ir.values import Value
from compiler.ir.verifier import verify
from compiler.passes import FixedOptions
from compiler.passes.function_ranges import flat_beyond, image, image_of_pieces
from compiler.passes.function_tables import Function, make
from compiler.passes.pieces import PIECES, to_pieces

GIVEN = {
    "relu_general": (0.1, 2.5, 0.25),
    "leaky_relu": (0.01,),
    "elu": (1.3,),
    "celu": (0.7,),
    "squareplus": (4.0,),
    "soft_shrink": (0.5,),
    "hard_shrink": (0.5,),
    "threshold": (0.5, -0.25),
    "clip": (-0.7, 1.1),
    "rsqrt": (0.5,),
}
POSITIVE = ("log", "sqrt", "rsqrt", "reciprocal")  # that have no number everywhere
JUMPS = ("relu_general", "hard_shrink", "threshold")


def compiled(function, parameters, options):
    x, y = Value("x", (1,), "x"), Value("y", (1,), "bend")
    graph = Graph(
        "net", "stream", (x,), (y,), (Unary(inputs=(x,), output=y, function=function, parameters=parameters),)
    )
    return passes.run(graph, passes.finish_fixed(options))


def curve(function, options):
    """The graph; every input that lies in the range, as a real number; what comes out; what should, in real numbers."""
    graph = compiled(function, GIVEN.get(function, ()), options)
    (value,), (output,) = graph.inputs, graph.outputs
    n = np.arange(value.format.lo, value.format.hi + 1)
    x = dequantize(n, value.format)
    inside = (x >= options.input_range[0]) & (x <= options.input_range[1])
    y = dequantize(interpreter.run(graph, n[inside][:, None]), output.format)[:, 0]
    wanted = functions.apply(function, x[inside], GIVEN.get(function, ()))
    return (
        graph,
        x[inside],
        y,
        np.clip(wanted, output.format.lo * output.format.step, output.format.hi * output.format.step),
    )


@pytest.mark.parametrize("function", functions.FUNCTIONS)
@pytest.mark.parametrize(("bits", "target"), [(8, 1.0), (12, 1.0), (16, 1.0), (16, 4.0)])
def test_it_misses_by_no_more_than_it_says(function, bits, target):
    low = 0.5 if function in POSITIVE else -5.0
    graph, _, y, wanted = curve(function, FixedOptions(bits=bits, input_range=(low, 6.5), table_error=target))
    missed = np.abs(y - wanted).max() / graph.outputs[0].format.step
    tables = [op for op in graph.ops if isinstance(op, Table)]
    pieces = [op for op in graph.ops if isinstance(op, Piecewise)]
    if tables:
        # What is cut off where the function is at rest is a quarter of a step at most.
        assert missed <= tables[0].error + 0.25 and tables[0].error <= target
    else:
        assert missed <= 0.5 + sum(op.error for op in pieces) + 1e-9
        assert all(op.error <= 0.5 for op in pieces)
    assert len(tables) + len(pieces) <= 1
    assert bool(pieces) <= (function in PIECES)


@pytest.mark.parametrize(
    "function", ["absolute", "negative", "soft_shrink", "sparse_sigmoid", "clip", "hard_tanh", "relu"]
)
def test_what_is_exact_is_exact(function):
    options = FixedOptions(bits=9, input_range=(-4.0, 3.5))
    exact = dict(GIVEN, clip=(-0.75, 1.25))
    graph = compiled(function, exact.get(function, ()), options)
    format, step = graph.inputs[0].format, graph.outputs[0].format.step
    n = np.arange(format.lo, format.hi + 1)
    y = interpreter.run(graph, n[:, None])[:, 0]
    wanted = functions.apply(function, dequantize(n, format), exact.get(function, ())) / step
    assert (y == np.clip(np.floor(wanted + 0.5), graph.outputs[0].format.lo, graph.outputs[0].format.hi)).all()


def test_the_smallest_table_is_taken_and_a_broken_one_noticed():
    """Half as many entries miss the target; and an entry moved by two steps shows in what is measured."""
    format = Format(True, 16, 12)
    for name, fraction in (("tanh", 15), ("gelu", 12), ("exp", 3)):
        function = Function(name, (), format, (-8.0, 8.0), fraction, -(1 << 15), (1 << 15) - 1)
        made = make(function, 1.0)
        assert made.error <= 1.0 < make(function, 1e9).error
        coarse = make(function, 2.0)
        assert len(coarse.entries) <= len(made.entries)
        assert make(function, 0.5 * made.error + 0.25).error < made.error
    graph, x, y, wanted = curve("tanh", FixedOptions(input_range=(-2.0, 2.0)))
    (table,) = (op for op in graph.ops if isinstance(op, Table))
    entries = table.entries.copy()
    entries[len(entries) // 2] += 2 << (
        table.output.format.fraction - table.fraction_bits - graph.outputs[0].format.fraction
    )
    broken = replace(graph, ops=tuple(replace(op, entries=entries) if op is table else op for op in graph.ops))
    n = np.rint(x / graph.inputs[0].format.step).astype(np.int64)
    step = graph.outputs[0].format.step
    assert np.abs(interpreter.run(broken, n[:, None])[:, 0] * step - wanted).max() > (table.error + 0.5) * step
    assert np.abs(y - wanted).max() <= (table.error + 0.25) * step


def test_symmetric_functions_have_half_the_entries():
    for name, symmetry in (("tanh", "odd"), ("sigmoid", "odd"), ("sin", "odd"), ("cos", "even"), ("gelu", "none")):
        (op,) = (op for op in compiled(name, (), FixedOptions(input_range=(-3.5, 3.5))).ops if isinstance(op, Table))
        assert op.symmetry == symmetry
        assert op.address_bits + op.fraction_bits == op.inputs[0].format.width - (symmetry != "none")
    # Ties go to the even number, and so to both sides alike.
    _, x, y, _ = curve("sigmoid", FixedOptions(bits=10, input_range=(-4.0, 4.0), rounding="half_even"))
    assert (y[1:] + y[1:][::-1] == 1).all() and x[1] == -x[-1]
    # At -4 a sine is steep, and read one step beside it would miss by more than it may.
    (op,) = (op for op in compiled("sin", (), FixedOptions(input_range=(-4.0, 3.5))).ops if isinstance(op, Table))
    assert (op.symmetry, op.error <= 1) == ("none", True)
    # Of numbers without a negative half, as of a relu's, nothing is mirrored.
    assert make(Function("tanh", (), Format(False, 8, 6), None, 7, -128, 127), 1.0).symmetry == "none"


def test_the_range_is_what_the_function_reaches():
    random = np.random.default_rng(5)
    for name in functions.FUNCTIONS:
        for _ in range(20):
            lo = float(random.uniform(0.1, 3) if name in POSITIVE else random.uniform(-6, 4))
            hi = lo + float(random.choice([0.01, 1.0, 9.0]))
            least, most = (float(end[0]) for end in image(name, GIVEN.get(name, ()), np.array([lo]), np.array([hi])))
            y = functions.apply(name, np.linspace(lo, hi, 20001), GIVEN.get(name, ()))
            slack = 1e-9 * max(1, abs(least), abs(most))
            assert least - slack <= y.min() and y.max() <= most + slack, (name, lo, hi)
            # And reaches both ends, at least as nearly as the samples lie.
            near = 1e-2 * max(1, abs(least), abs(most)) if name not in JUMPS else np.inf
            assert y.min() - least <= near and most - y.max() <= near, (name, lo, hi)


def test_a_slope_ends_at_the_height_of_the_flat_piece_that_it_meets():
    """What opens to 1 opens no further: a gate's share is proven to be one."""
    x, y = Value("x", (1,), "x"), Value("y", (1,), "bend")
    op = Unary(inputs=(x,), output=y, function="hard_sigmoid")
    (pieces,) = to_pieces(Graph("net", "stream", (x,), (y,), (op,))).ops
    for lo, hi, wanted in ((-9.0, 9.0, (0.0, 1.0)), (-3.0, 3.0, (0.0, 1.0)), (-0.5, 4.0, (0.5 - 0.5 / 6, 1.0))):
        ends = image_of_pieces(pieces, np.array([lo]), np.array([hi]))
        assert (ends[0][0], ends[1][0]) == (pytest.approx(wanted[0], abs=1e-15), wanted[1])
    # A jump is none of that.
    op = Unary(inputs=(x,), output=y, function="threshold", parameters=(0.5, -7.0))
    (pieces,) = to_pieces(Graph("net", "stream", (x,), (y,), (op,))).ops
    assert [float(end[0]) for end in image_of_pieces(pieces, np.array([0.25]), np.array([0.75]))] == [-7.0, 0.75]


def test_a_function_at_rest_takes_the_bits_from_what_is_beyond():
    assert flat_beyond("tanh", (), 1000.0, 2.0**-17) == 8.0
    assert flat_beyond("sigmoid", (), 1000.0, 2.0**-17) == 16.0
    assert flat_beyond("sigmoid", (), 3.0, 2.0**-17) == 3.0
    assert flat_beyond("gelu", (), 1000.0, 2.0**-17) == 1000.0
    graph = compiled("tanh", (), FixedOptions(input_range=(-500.0, 300.0)))
    # Of the input's 6 bits behind the point none is lost, and none of those before it matters but three.
    assert (graph.inputs[0].format, graph.ops[0].output.format) == (Format(True, 16, 6), Format(True, 10, 6))
    cut = interpreter.evaluate(graph, [np.array([[-32768], [32767]])])
    assert saturation.of_values(graph, cut) == []
    # A value that is read by others too, and cut off by its format, still counts.
    counted = replace(graph, outputs=(graph.ops[0].output,), warm_ups=())
    assert saturation.of_values(counted, cut)[0].share == 1.0


def test_what_has_no_number_or_no_bearable_table_is_refused(tmp_path):
    with pytest.raises(CompileError, match=r"the function log has no finite value at some of .* -1 to 1"):
        compiled("log", (), FixedOptions())
    with pytest.raises(CompileError, match="the function reciprocal has no finite value"):
        compiled("reciprocal", (), FixedOptions())
    with pytest.raises(CompileError, match=r"function sqrt of 4,097 entries misses it by up to \d+ steps") as caught:
        compiled("sqrt", (), FixedOptions(input_range=(0.0, 1.0)))
    wanted = float(caught.value.hint.split("--table-error ")[1].split(",")[0])
    (op,) = (
        op
        for op in compiled("sqrt", (), FixedOptions(input_range=(0.0, 1.0), table_error=wanted)).ops
        if isinstance(op, Table)
    )
    assert op.error <= wanted < 1.1 * op.error
    path = model_files.write(tmp_path / "net.h5", (None, 1), model_files.Entry("Activation", {"activation": "tanh"}))
    with pytest.raises(CompileError, match="layer 'layer_1': a table of the function tanh has no form in Verilog"):
        compiler.compile(path, "fpga", out=tmp_path / "build")
    assert not (tmp_path / "build").exists()


def test_quantisers_of_the_file_stand_around_a_function(tmp_path):
    grid, tanh = (
        model_files.grid("quantized_bits(10, 2, alpha=1)"),
        model_files.Entry("Activation", {"activation": "tanh"}),
    )
    leaky = model_files.Entry("LeakyReLU", {"negative_slope": 0.25})
    path = model_files.write(
        tmp_path / "net.h5", (None, 1), grid, leaky, grid, tanh, model_files.grid("quantized_bits(6, 0, alpha=1)")
    )
    made = compiler.compile(path, "mcu", out=tmp_path / "build", name="net", numbers="fixed", table_error=0.6)
    n = np.arange(-512, 512)
    x = dequantize(n, made.graph.inputs[0].format)
    bent = np.where(x < 0, np.rint(x / 4 * 128) / 128, x)
    y = made.run(n[:, None], raw=True)[:, 0]
    assert np.abs(y - np.tanh(bent) * 32).max() <= 0.6 or np.abs(y - np.clip(np.tanh(bent) * 32, -32, 31)).max() <= 0.6
    for layers, message in (
        ((grid, tanh), "'layer_2': the function tanh needs a quantiser behind it"),
        (
            (grid, model_files.dense(np.eye(1), kernel_quantizer="quantized_bits(4, 0, alpha=1)"), tanh, grid),
            "'layer_3': its input has no quantiser",
        ),
    ):
        path = model_files.write(tmp_path / "other.h5", (None, 1), *layers)
        with pytest.raises(CompileError, match=message):
            compiler.compile(path, "mcu", out=tmp_path / "other", numbers="fixed")


def broken(**changes):
    graph = compiled("tanh", (), FixedOptions(bits=10, input_range=(-4.0, 4.0)))
    return replace(graph, ops=tuple(replace(op, **changes) if isinstance(op, Table) else op for op in graph.ops))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fraction_bits": 3}, "a table for another format|loses the point"),
        ({"entries": np.zeros(18, np.int64)}, "a table of 18"),
        ({"symmetry": "around"}, "no symmetry"),
        ({"symmetry": "even", "mirror": 5}, "mirrors nothing"),
        ({"entries": np.full(513, 1 << 40)}, "another format|may overflow"),
    ],
)
def test_the_verifier_refuses_a_wrong_table(changes, message):
    verify(broken(), "fixed")
    with pytest.raises(AssertionError, match=message):
        verify(broken(**changes), "fixed")


def test_the_verifier_refuses_wrong_pieces():
    graph = compiled("leaky_relu", (0.1,), FixedOptions(bits=10))
    (op,) = (op for op in graph.ops if isinstance(op, Piecewise))
    for changes, message in (
        ({"slopes": op.slopes << 20}, "beyond"),
        ({"offsets": op.offsets + (1 << 50)}, "is not in|may overflow"),
        ({"thresholds": np.zeros((2, 1), np.int64)}, "pieces of"),
    ):
        with pytest.raises(AssertionError, match=message):
            verify(replace(graph, ops=tuple(replace(o, **changes) if o is op else o for o in graph.ops)), "fixed")


def test_a_relu_with_a_maximum_costs_no_more_than_a_clamp():
    graph = compiled("relu_general", (0.0, 0.75, 0.0), FixedOptions(input_range=(-2.0, 2.0)))
    assert [type(op) for op in graph.ops] == [Requantize]
    assert (graph.ops[0].lo, graph.ops[0].hi) == (0, round(0.75 * 2 ** graph.outputs[0].format.fraction))
    # It is the function's own bound, and nothing that is lost.
    assert saturation.of_values(graph, interpreter.evaluate(graph, [np.array([[-32768], [32767]])])) == []
