"""The page that inspect prints, and that it promises neither more nor less than compile keeps."""

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from models import randomize
from random_models import plans

import compiler
from compiler import keras_file
from compiler.errors import CompileError
from compiler.inspect import describe
from compiler.targets import TARGETS

FEW = 10
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")


def columns(page):
    """By target, what stands in each layer's row."""
    heading, underlines, *rest = page.splitlines()[2:]
    spans = [match.span() for match in re.finditer("-+", underlines)]
    names = [heading[start:end].strip() for start, end in spans]
    rows = rest[: rest.index("")]
    # A reason may be longer than its column is wide only in the last one.
    return {target: [row[slice(*spans[names.index(target)])].strip() for row in rows] for target in TARGETS}


def agrees(model, folder):
    """Compiles a model for every target, compares with what inspect said, and returns what was said."""
    page = describe(keras_file.from_model(model))
    said = columns(page)
    for target, cells in said.items():
        try:
            compiler.compile(model, target, out=folder / target)
            refused = None
        except CompileError as error:
            refused = error
        assert all(cell == "yes" for cell in cells) == (refused is None), f"{target}: {refused}\n{page}"
        assert (f"{target}: compiles" in page) == (refused is None), page
        if refused:
            assert f"no: {refused.what}" in page, page
            assert str(refused).partition(": ")[2] in page, page
    return {target: all(cell == "yes" for cell in cells) for target, cells in said.items()}


def reshape(k):
    x = k.Input((None, 4), name="x")
    return k.Model(x, k.layers.Dense(2)(k.layers.Reshape((-1, 2, 2))(x)))


def two_inputs(k):
    a, b = k.Input((None, 2), name="a"), k.Input((None, 2), name="b")
    return k.Model([a, b], k.layers.Dense(2)(k.layers.Add()([a, b])))


def two_outputs(k):
    x = k.Input((None, 2), name="x")
    return k.Model(x, [k.layers.Dense(2)(x), k.layers.Dense(1)(x)])


def perceptron(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="relu"), k.layers.Dense(1)])


def same_of_unknown_length(k):
    return k.Sequential([k.Input((None, 2)), k.layers.Conv1D(3, 5, padding="same")])


def cropped(k):
    return k.Sequential([k.Input((12, 2)), k.layers.Cropping1D((3, 0)), k.layers.Dense(2)])


def branches(k):
    x = k.Input((None, 2), name="x")
    return k.Model(x, k.layers.Concatenate()([k.layers.Dense(2)(x), k.layers.Dense(3)(x)]))


def too_slow(k):
    return k.Sequential([k.Input((None, 300)), k.layers.Dense(300)])


def rows(k):
    return k.Sequential([k.Input((None, 2, 2)), k.layers.Dense(3)])


def norms(k):
    return k.Sequential([k.Input((None, 2, 2)), k.layers.BatchNormalization()])


def nothing(k):
    return k.Sequential([k.Input((None, 2)), k.layers.Dropout(0.5)])


def knobs(k):
    x, knob = k.Input((None, 2), name="x"), k.Input((3,), name="knob")
    return k.Model([x, knob], k.layers.Multiply()([x, k.layers.Dense(2)(knob)]))


@pytest.mark.parametrize(
    "make",
    [
        *(reshape, two_inputs, two_outputs, perceptron, same_of_unknown_length, cropped, branches, too_slow),
        *(rows, norms, nothing, knobs),
    ],
)
def test_inspect_says_what_compile_does(make, tmp_path):
    import keras

    keras.backend.clear_session()
    agrees(randomize(make(keras)), tmp_path)


@pytest.mark.parametrize("streaming", [True, False])
def test_inspect_says_what_compile_does_with_any_graph(streaming, tmp_path):
    counts = []

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=FEW,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(plans(streaming=streaming))
    def holds(plan):
        counts.append(agrees(plan.model(), tmp_path))

    holds()
    assert len(counts) == FEW
    assert all(said["mcu"] for said in counts)
