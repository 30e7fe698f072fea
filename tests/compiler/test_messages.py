"""Every message is written for a stranger: in the sources by what is in the text, in every test as it is raised."""

import ast
from pathlib import Path

import pytest
from message_marks import kinds, marks

import compiler
from compiler import pipeline
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.ops import Reduce, Unary, ZeroInsertion
from compiler.ir.values import Value
from compiler.keras_file.spec import LayerSpec
from compiler.lowering import lower_layer, nearest
from compiler.lowering.builder import Builder
from compiler.lowering.table import TABLE
from compiler.options import Options

SOURCES = sorted(Path(compiler.__file__).parent.rglob("*.py"))
RAISERS = ("CompileError", "CheckError", "error", "_error", "_refuse")


def calls():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in RAISERS:
                    yield path, node


def test_no_message_in_the_sources_names_a_kind_of_operation():
    seen, wrong = 0, []
    for path, call in calls():
        for text in [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg in ("what", "hint"))]:
            seen += 1
            for node in ast.walk(text):
                where = f"{path.name}:{node.lineno}" if hasattr(node, "lineno") else path.name
                if isinstance(node, ast.Attribute) and node.attr == "__name__":
                    holder = ast.unparse(node.value)
                    if not holder.startswith("type(model)"):  # that one is the user's own
                        wrong.append(f"{where}: {ast.unparse(text)}")
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    wrong += [f"{where}: {mark}" for mark in marks(f"x {node.value} x", None) if "line" not in mark]
    assert seen > 250
    assert wrong == []


def test_the_marks_are_seen():
    assert marks("UnitDelay has no fixed-point form", None)
    assert marks("is called on Value(name='h', shape=(None, 4), layer='x')", None)
    assert marks("a layer is not supported", f"Supported: {', '.join(sorted(TABLE))}.")
    assert marks("a layer is not supported", "use another")
    assert not marks("padding='same' looks ahead", "Use padding='causal'.")
    assert "MatMul" in kinds()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("Conv3D", ["Conv2D"]),
        ("Convolution1D", []),
        ("MultiHeadAttention", ["EinsumDense, Dot or Softmax"]),
        ("maxpool1d", ["MaxPooling1D"]),
        ("Blend", []),
    ],
)
def test_an_unknown_class_is_answered_with_what_comes_nearest(wanted, words):
    with pytest.raises(CompileError) as caught:
        lower_layer(LayerSpec("mine", wanted, {}, (), ()), Builder(), [])
    assert caught.value.what == f"a layer of class '{wanted}' is not supported"
    assert caught.value.layer == "mine"
    assert "docs/layers.md" in caught.value.hint
    assert [word for word in words if word not in caught.value.hint] == []
    assert marks(caught.value.what, caught.value.hint) == []


def test_nothing_is_near_what_is_like_nothing():
    assert nearest.hint("Blend", TABLE) == "All that is supported stands in docs/layers.md."


def frames(length, operation=Reduce):
    x = Value("x", (length, 2), "x")
    if operation is Reduce:
        y = Value("y", (2,), "mean")
        op = Reduce(inputs=(x,), output=y, function="mean", axes=(0,))
    else:
        y = Value("y", (None if length is None else 2 * length - 1, 2), "up")
        op = ZeroInsertion(inputs=(x,), output=y, axis=0, gap=1)
    return Graph("net", "frame", (x,), (y,), (op,))


HINTS = [
    (None, {}, "To compute whole frames instead, give the model's input a fixed number of steps."),
    (8, {"mode": "stream"}, "To compute whole frames instead, leave out --mode stream."),
    (None, {"mode": "stream"}, "give the model's input a fixed number of steps and leave out --mode stream."),
    (8, {"numbers": "q15", "mode": "stream"}, "To compute whole frames instead, leave out --mode stream."),
    (8, {"target": "fpga"}, "To compute whole frames instead, use --target mcu --numbers float."),
]


@pytest.mark.parametrize(("length", "given", "hint"), HINTS)
def test_hints_are_for_the_options_that_were_given(length, given, hint):
    with pytest.raises(CompileError) as caught:
        pipeline.finish(frames(length), Options(**{"target": "mcu", **given}))
    assert "it reduces over time" in caught.value.what
    assert caught.value.hint.endswith(hint)
    assert marks(caught.value.what, caught.value.hint) == []


def test_operations_are_called_by_what_they_do():
    with pytest.raises(CompileError, match="it is a spreading of samples, which takes all samples at once"):
        pipeline.finish(frames(None, ZeroInsertion), Options("mcu"))


def test_what_has_no_fixed_point_form_says_where_it_runs():
    x, y = Value("x", (None, 2), "x"), Value("y", (None, 2), "bend")
    graph = Graph("net", "frame", (x,), (y,), (Unary(inputs=(x,), output=y, function="tanh"),))
    with pytest.raises(CompileError, match="a table of the function tanh has no form in Verilog") as caught:
        pipeline.finish(graph, Options("fpga"))
    assert caught.value.hint == "In floating point it compiles: --target mcu --numbers float."
