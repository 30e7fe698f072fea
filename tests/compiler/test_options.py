"""Options: what was given counts, or is refused with what would make it count."""

from dataclasses import fields

import numpy as np
import pytest

from compiler import CompileError, __main__, run
from compiler.options import Options

IDLE = [  # target, what else was given, the option that would do nothing, what would make it count
    ("mcu", {"bits": 8}, "--bits", "--numbers fixed"),
    ("mcu", {"bits": 16}, "--bits", "--numbers fixed"),  # the default, but given
    ("mcu", {"numbers": "float", "weight_bits": 8}, "--weight-bits", "--numbers fixed"),
    ("mcu", {"rounding": "floor"}, "--rounding", "--numbers fixed"),
    ("mcu", {"clock_hz": 1_000_000}, "--clock", "--target fpga"),
    ("mcu", {"multipliers": 4}, "--multipliers", "--target fpga"),
    ("fpga", {"kernels": "c"}, "--kernels", "--target mcu"),
    ("fpga", {"kernels": "auto"}, "--kernels", "--target mcu"),
    ("fpga", {"board": "cortex-m7"}, "--board", "--target mcu"),
    ("mcu", {"numbers": "q15", "bits": 8}, "--bits 8 contradicts --numbers q15", "--numbers fixed"),
    ("mcu", {"numbers": "q7", "weight_bits": 16}, "--weight-bits 16 contradicts --numbers q7", "--numbers fixed"),
]


@pytest.mark.parametrize(("target", "given", "option", "remedy"), IDLE)
def test_an_option_that_would_do_nothing_is_refused(target, given, option, remedy):
    with pytest.raises(CompileError) as caught:
        Options(target, **given)
    assert option in caught.value.what
    assert remedy in caught.value.hint


@pytest.mark.parametrize(
    ("target", "given"),
    [
        ("mcu", {"numbers": "fixed", "bits": 8, "weight_bits": 8, "rounding": "floor", "kernels": "cmsis"}),
        ("fpga", {"bits": 8, "clock_hz": 1_000_000, "multipliers": 4}),
        ("mcu", {"numbers": "16x8", "bits": 16, "weight_bits": 8}),
        ("mcu", {"numbers": "q7", "bits": 16, "weight_bits": 8}),
        ("mcu", {"numbers": "8", "bits": 8, "weight_bits": 8}),
        ("mcu", {"input_range": (0.0, 255.0)}),
        ("fpga", {"numbers": "q15"}),
    ],
)
def test_an_option_that_counts_is_taken(target, given):
    options = Options(target, **given)
    expected = given | ({"numbers": "fixed"} if "numbers" in given else {})
    assert {key: getattr(options, key) for key in given} == expected


def test_what_is_not_given_has_its_default_where_it_counts():
    fixed, floating, fpga = Options("mcu", numbers="fixed"), Options("mcu"), Options("fpga")
    assert (fixed.bits, fixed.weight_bits, fixed.rounding, fixed.kernels) == (16, 16, "half_up", "auto")
    assert (floating.bits, floating.rounding, floating.kernels, floating.clock_hz) == (None, None, "auto", None)
    assert (fpga.bits, fpga.clock_hz, fpga.kernels) == (16, 12_288_000, None)
    for name in ("16x8", "q7"):
        assert (Options("mcu", numbers=name).bits, Options("mcu", numbers=name).weight_bits) == (16, 8)
    assert (Options("mcu", numbers="8").bits, Options("mcu", numbers="8").weight_bits) == (8, 8)
    assert Options("mcu", numbers="16x8") == Options("mcu", numbers="q7")
    assert floating.to_json()["numbers"] == "float"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sample_rate_hz": -3}, "--sample-rate must be a whole number from 1 to 2,147,483,647, not -3"),
        ({"sample_rate_hz": 44100.5}, "--sample-rate must be a whole number from 1 to 2,147,483,647, not 44100.5"),
        ({"sample_rate_hz": "48000"}, "--sample-rate must be a whole number from 1 to 2,147,483,647, not 48000"),
        ({"sample_rate_hz": 10**20}, "not 100000000000000000000"),
        ({"numbers": "fixed", "bits": 40}, "--bits must be a whole number from 2 to 16, not 40"),
        (
            {"numbers": "fixed", "weight_bits": float("nan")},
            "--weight-bits must be a whole number from 2 to 16, not nan",
        ),
        ({"input_range": (1.0, -1.0)}, "not 1 and -1"),
        ({"input_range": (float("nan"), 1.0)}, "not nan and 1"),
        ({"input_range": (0.0, float("inf"))}, "not 0 and inf"),
        ({"input_range": (1.0,)}, "--input-range must be two numbers"),
        ({"input_range": "ab"}, "--input-range must be two numbers"),
        ({"rounding": "up"}, "there is no --rounding up: there are half_even, half_up, floor"),
        ({"numbers": "fixed", "table_error": 0.4}, "--table-error must be a number from 0.5 to 1024, not 0.4"),
        ({"numbers": "fixed", "table_error": float("nan")}, "--table-error must be a number from 0.5 to 1024, not nan"),
        ({"mode": "block"}, "there is no --mode block"),
    ],
)
def test_values_that_make_no_sense_are_named(given, message):
    with pytest.raises(CompileError) as caught:
        Options("mcu", **given)
    assert message in str(caught.value)


def test_numbers_of_numpy_are_numbers():
    assert Options("mcu", sample_rate_hz=np.int64(16_000)).to_json()["sample_rate_hz"] == 16_000


EVERYWHERE = {"target", "numbers", "input_range", "mode", "sample_rate_hz"}
SOME = {
    "headroom": "calibrated",
    "bits": 8,
    "weight_bits": 8,
    "rounding": "floor",
    "kernels": "c",
    "board": "cortex-m4",
    "clock_hz": 1,
}
SOME |= {"table_error": 2.0}


@pytest.mark.parametrize(("target", "numbers"), [("mcu", "float"), ("mcu", "fixed"), ("fpga", "fixed")])
def test_every_option_counts_or_is_refused(target, numbers):
    """Whatever is added: with a default where it counts, and refused where it has none."""
    conditional = {field.name for field in fields(Options) if field.init} - EVERYWHERE
    for option in conditional - {"multipliers"}:  # whose default is none
        counts = getattr(Options(target, numbers), option) is not None
        if counts:
            assert getattr(Options(target, numbers, **{option: SOME[option]}), option) == SOME[option]
        else:
            with pytest.raises(CompileError, match="does nothing"):
                Options(target, numbers, **{option: SOME[option]})


def test_an_option_that_is_nearly_one_is_answered_with_it(capsys):
    with pytest.raises(SystemExit):
        __main__.parser().parse_args(["x.h5", "--target", "mcu", "--kernel", "c", "--xyz"])
    assert capsys.readouterr().err.endswith("unrecognized arguments: --kernel c --xyz (did you mean --kernels?)\n")


def test_negative_numbers_are_no_options():
    given = __main__.parser().parse_args(["x.h5", "--target", "mcu", "--input-range", "-1e6", "-.5E-3"])
    assert given.input_range == [-1e6, -0.0005]
    assert run.parser().parse_args(["b", "--input", "-0.5,0.3"]).input == ["-0.5,0.3"]
