"""What becomes of numbers that are none, infinite, signed zeros or subnormal: one rule, wherever a graph runs.

docs/numbers.md states the rule; CLEANED and COMPARED are its exceptions.
"""

import subprocess

import numpy as np
import pytest
from mcu_sketch import Sketch, gated
from mcu_tools import compile_c, generate, run_build, write

from compiler.boards import CORTEX_M7
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.functions import FUNCTIONS
from compiler.ir.numerics import ROUNDINGS
from compiler.ir.ops import BINARY
from compiler.mcu.interpreter import execute
from compiler.mcu.scheduler import make_schedule

TINY = float(np.finfo(np.float32).smallest_subnormal)
SPECIAL = np.array(
    [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, TINY, -TINY, 1e-40, -1e-40, 1.2e-38, -1.2e-38, 1e4, -1e4, 1, -1],
    np.float32,
)
CLEANED = {"relu": 0, "relu6": 0, "thresholded": 0, "hard_shrink": 0, "threshold": -0.5, "quantize": 0}
NAN = np.isnan(SPECIAL)


def special():
    """Every function of one, two and three numbers of such a vector; what each value of the graph is."""
    net = Sketch("frame", SPECIAL.shape)
    (x,) = net.inputs
    known = {}
    for function in FUNCTIONS:
        known[net.unary(x, function).name] = function
    known[net.unary(x, "relu_general", (0.0, 6.0, 0.0)).name] = "relu6"
    known[net.unary(x, "relu_general", (0.0, np.inf, 0.5)).name] = "thresholded"
    turned = net.slice(x, 0, SPECIAL.size - 1, SPECIAL.size, -1)
    for function in BINARY:
        known[net.binary(function, x, turned).name] = function
    known[net.select(x, turned, x).name] = "select"
    for rounding in ROUNDINGS:
        known[net.quantize(x, rounding).name] = "quantize"
    rows = net.reshape(x, 2, SPECIAL.size // 2)
    for function in ("sum", "mean", "max", "min"):
        known[net.reduce(function, rows, [0]).name] = f"reduce {function}"
    return net.graph(net.ops[-1].output), known


def assert_equal(got, wanted, what):
    with np.errstate(over="ignore"):
        wanted = wanted.astype(np.float32)
    got = np.asarray(got, np.float32).reshape(wanted.shape)
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        same |= np.abs(got - wanted) <= 4 * np.float32(2**-23) * np.abs(wanted) + 2 * TINY
    assert same.all(), (what, SPECIAL[~same.ravel()[: SPECIAL.size]], got[~same], wanted[~same])


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory):
    graph, known = special()
    folder = write(tmp_path_factory.mktemp("special"), graph)
    exact = interpreter.evaluate(graph, [SPECIAL[None]])
    runs = {
        "float32 interpreter": interpreter.evaluate(graph, [SPECIAL[None]], precision=np.float32),
        "schedule": execute(make_schedule(graph), SPECIAL[None]),
        "host": run_build(folder, "net", SPECIAL[None], on="host", trace=True).traced,
        "host, compact": run_build(folder, "net", SPECIAL[None], on="host", trace=True, compact=True).traced,
        "emulator": run_build(folder, "net", SPECIAL[None], on="emulator", trace=True).traced,
    }
    return exact, known, runs


@pytest.mark.parametrize("where", ["float32 interpreter", "schedule", "host", "host, compact", "emulator"])
def test_every_function_is_the_interpreters(everywhere, where):
    exact, known, runs = everywhere
    for name, function in known.items():
        assert_equal(runs[where][name], exact[name], f"{function} on {where}")


def test_a_nan_goes_through_but_for_the_exceptions(everywhere):
    exact, known, _ = everywhere
    for name, function in known.items():
        if function in FUNCTIONS or function in CLEANED:
            y = exact[name][0][NAN]
            assert (y == CLEANED[function]).all() if function in CLEANED else np.isnan(y).all(), function


FORBIDDEN = ["-Ofast", "-O2 -ffast-math", "-O2 -ffinite-math-only"]
REFUSED = [(compiler, flags) for compiler in ("gcc", "clang", CORTEX_M7.compiler) for flags in FORBIDDEN]


# clang has no macro by which a program could ask for the last.
@pytest.mark.parametrize(("compiler", "flags"), [*REFUSED, ("gcc", "-O2 -funsafe-math-optimizations")])
def test_flags_that_lose_nan_are_refused(tmp_path, compiler, flags):
    write(tmp_path, gated(2, 3)[1])
    machine = CORTEX_M7.flags if compiler == CORTEX_M7.compiler else ()
    command = [compiler, *machine, *flags.split(), "-c", "net.c"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode and "Compile this network without -Ofast" in result.stderr


def test_levels_of_optimisation_give_the_same_bits(tmp_path):
    """Of outputs, of the state that one sample for ever leads to, and of one that a NaN keeps from settling."""
    _, graph = gated(2, 3)
    write(tmp_path, graph)
    (tmp_path / "main.c").write_text(
        """
#include <math.h>
#include <stdio.h>
#include "net.h"
static net_t s;
int main(void)
{
    float in[2 * 40], out[3 * 40];
    const float still[2] = {0.5f, -0.25f}, none[2] = {NAN, 0.0f};
    int rest = net_reset_to_rest(&s, still);
    for (int i = 0; i < 80; i++) {
        in[i] = sinf((float)i);
    }
    net_process(&s, in, out, 40);
    fwrite(out, sizeof out, 1, stdout);
    return rest == 0 && net_reset_to_rest(&s, none) != 0 ? 0 : 1;
}
"""
    )
    found = set()
    for level in ("-O0", "-O1", "-O2", "-O3", "-Os"):
        compile_c("-std=c99", "-ffp-contract=off", level, "net.c", "main.c", "-o", "main", "-lm", cwd=tmp_path)
        found.add(subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout)
    assert len(found) == 1


def literals(function, *parameters):
    net = Sketch("stream", (3,))
    return net.graph(net.unary(net.inputs[0], function, parameters))


@pytest.mark.parametrize("graph", [literals("relu_general", 0.0, 1e39, 0.0), literals("clip", -1e39, 1e300)])
def test_a_bound_beyond_floats_is_none(tmp_path, graph):
    folder = write(tmp_path, graph)
    compile_c("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "net.c", cwd=folder)
    x = np.array([[-2, 0.5, 3e38]], np.float32)
    np.testing.assert_array_equal(run_build(folder, "net", x, on="host").y, interpreter.run(graph, x))


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("relu_general", (1e39, np.inf, 0.0)),
        ("relu_general", (0.1, np.inf, -1e39)),
        ("leaky_relu", (1e39,)),
        ("elu", (-1e40,)),
        ("threshold", (1e39, 0.0)),
        ("threshold", (0.0, 1e39)),
        ("rsqrt", (1e300,)),
        ("squareplus", (np.nan,)),
    ],
)
def test_a_parameter_beyond_floats_is_refused(function, parameters):
    with pytest.raises(CompileError, match="32-bit floating point") as caught:
        generate(literals(function, *parameters), name="net")
    assert caught.value.layer == "layer_unary_0"
