"""Generated C on the host: the interpreter's numbers, whatever the cut, the compiler or the neighbour."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from mcu_nets import EVERY, dilated, identity, past_only, wavenet
from mcu_tools import STRICT, assert_same, compile_c, generate, run_build, write

from compiler.boards import CORTEX_M7
from compiler.errors import CheckError
from compiler.ir import interpreter
from compiler.mcu.scheduler import make_schedule

KERNELS = ("cmsis", "c")


def check_layers(folder, net, graph, samples=300, **options):
    x = net.stream(samples)
    if graph.inputs[0].format:
        x = np.clip(x, graph.inputs[0].format.lo, graph.inputs[0].format.hi)
    run = run_build(folder, "net", x, on="host", trace=True, **options)
    expected = interpreter.evaluate(graph, [x])
    for name, value in run.traced.items():
        assert_same(value, expected[name], net.fixed, name)
    assert_same(run.y, expected[graph.outputs[0].name], net.fixed)
    return run


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
def test_every_layer_for_every_dilation(tmp_path, taps, fixed, kernels):
    net, graph = dilated(taps, fixed=fixed)
    run = check_layers(write(tmp_path, graph, kernels=kernels), net, graph)
    assert {op.output.name for op in graph.ops} - set(run.traced) <= {op.inputs[0].name for op in graph.ops}


@pytest.mark.parametrize(("make", "fixed"), EVERY)
def test_shapes_of_graphs(tmp_path, make, fixed):
    net, graph = make(fixed=fixed)
    check_layers(write(tmp_path, graph, kernels="cmsis"), net, graph, sanitize=True)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(("fixed", "wide"), [(False, False), (True, False), (True, True)])
def test_bits_do_not_depend_on_the_cut(tmp_path, fixed, wide, kernels):
    net, graph = wavenet(fixed=fixed, wide=wide)
    folder, x = write(tmp_path, graph, kernels=kernels), net.stream(500)
    whole = run_build(folder, "net", x, on="host", blocks=500).y
    assert_same(whole, interpreter.run(graph, x), fixed)
    for blocks in (1, 3, 64, (5, 0, 1, 17)):
        np.testing.assert_array_equal(run_build(folder, "net", x, on="host", blocks=blocks).y.view(), whole)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(("fixed", "wide"), [(False, False), (True, False), (True, True)])
def test_no_undefined_behaviour(tmp_path, fixed, wide, kernels):
    net, graph = wavenet(fixed=fixed, wide=wide)
    check_layers(write(tmp_path, graph, kernels=kernels), net, graph, sanitize=True, blocks=(1, 64))


ALIASED = """
#include <stdio.h>
#include <string.h>
#include "net.h"
static net_t s;
static net_in_t x[60 * NET_INPUTS], y[60 * NET_OUTPUTS], z[60 * NET_OUTPUTS];
int main(void)
{
    unsigned state = 1;
    for (unsigned i = 0; i < 60 * NET_INPUTS; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (net_in_t)((float)(state >> 17) * VALUE - SHIFT);
    }
    net_init(&s);
    net_process(&s, x, y, 60);
    memset(&s, 85, sizeof s);
    net_reset(&s);
    net_process(&s, x, x, 60);
    net_reset(&s);
    memcpy(z, y, sizeof z);
    return memcmp(x, y, sizeof x) != 0;
}
"""


@pytest.mark.parametrize("make", [identity, past_only])
@pytest.mark.parametrize("fixed", [False, True])
def test_output_may_be_the_input_and_reset_forgets(tmp_path, make, fixed):
    _, graph = make(fixed=fixed)
    write(tmp_path, graph, kernels="c")
    (tmp_path / "main.c").write_text(ALIASED)
    values = ["-DVALUE=1.0f", "-DSHIFT=16384.0f"] if fixed else ["-DVALUE=6e-5f", "-DSHIFT=1.0f"]
    compile_c("-std=c99", "-O2", *values, "net.c", "main.c", "-o", "main", "-lm", cwd=tmp_path)
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0


TWO = """
#include "first.h"
#include "second.h"
static first_t a;
static second_t b;
int main(void)
{
    first_in_t x[FIRST_INPUTS] = {1};
    first_out_t y[FIRST_OUTPUTS];
    second_in_t u[SECOND_INPUTS] = {1};
    second_out_t v[SECOND_OUTPUTS];
    first_init(&a);
    second_init(&b);
    first_process(&a, x, y, 1);
    second_process(&b, u, v, 1);
    return 0;
}
"""


def test_two_builds_in_one_program_and_in_cpp(tmp_path):
    """Side by side in one folder: what they share is the same files."""
    write(tmp_path, wavenet()[1], name="first", kernels="cmsis")
    write(tmp_path, wavenet(fixed=True)[1], name="second", kernels="c")
    (tmp_path / "main.c").write_text(TWO)
    sources = sorted(path.name for path in tmp_path.glob("*.c"))
    compile_c("-std=c99", "-O1", "-I.", *sources, "-o", "main", "-lm", cwd=tmp_path)
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0
    headers = [
        "first.h",
        "second.h",
        *sorted(path.name for path in tmp_path.glob("nn_*.h") if "cmsis" not in path.name),
    ]
    (tmp_path / "main.cpp").write_text("".join(f'#include "{name}"\n' for name in headers) + TWO)
    compile_c("-c", "-O1", "-I.", *(name for name in sources if name != "main.c"), cwd=tmp_path)
    objects = [name.replace(".c", ".o") for name in sources if name != "main.c"]
    compile_c("-Wall", "-Wextra", "-Werror", "main.cpp", *objects, "-o", "main", "-lm", compiler="g++", cwd=tmp_path)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(("make", "fixed"), EVERY)
def test_no_warning(tmp_path, make, fixed, kernels):
    """Nor an include flag, CMSIS-DSP or not."""
    write(tmp_path, make(fixed=fixed)[1], kernels=kernels)
    flags = [*STRICT, "-O2", "-c", "net.c"]
    compile_c(*flags, cwd=tmp_path)
    compile_c(*CORTEX_M7.flags, *flags, compiler=CORTEX_M7.compiler, cwd=tmp_path)
    if shutil.which("clang"):
        compile_c(*flags, compiler="clang", cwd=tmp_path)


def test_a_build_carries_the_notice_of_what_it_contains(tmp_path):
    for kernels in KERNELS:
        folder = write(tmp_path / kernels, wavenet()[1], kernels=kernels)
        compile_c("-Wall", "-c", "-I.", *sorted(path.name for path in folder.glob("*.c")), cwd=folder)
        assert (folder / "LICENSE.CMSIS-DSP.txt").exists() == (kernels == "cmsis")


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("fixed", [False, True])
def test_same_arguments_same_bytes(fixed, kernels):
    def once():
        options = {"kernels": kernels, "sample_rate_hz": 48000, "banner": ["made by a test", "*/ int no; /* \\"]}
        return generate(wavenet(fixed=fixed)[1], name="net", **options)

    files = once()
    assert files == once()
    for name in ("net.c", "net.h", "net_weights.h"):
        lines = files[name].decode().splitlines()
        assert lines[0].startswith("/* net: ") and lines[1] == "/* SPDX-License-Identifier: 0BSD */"
        assert lines[2:4] == ["/* made by a test */", "/* * / int no; / * / */"]
    for name, contents in files.items():
        if name.startswith("nn_"):
            assert contents.decode().splitlines()[1] == "/* SPDX-License-Identifier: 0BSD */", name


def test_the_header_tells_the_truth(tmp_path):
    folder = write(tmp_path, wavenet(fixed=True)[1], sample_rate_hz=48000)
    defines = dict(re.findall(r"^#define NET_(\w+) (\d+)", (folder / "net.h").read_text(), re.MULTILINE))
    expected = {"INPUTS": 3, "OUTPUTS": 1, "FIXED": 1, "IN_FRACTION": 12, "OUT_FRACTION": 12, "RECEPTIVE_FIELD": 256}
    expected |= {"LATENCY": 0, "SAMPLE_RATE": 48000, "STATE_BYTES": make_schedule(wavenet(fixed=True)[1]).state_bytes}
    expected |= {"WARM_UP": 0, "CONTROLS": 0}
    assert {name: int(value) for name, value in defines.items()} == expected
    values = re.findall(
        r'^    X\(\d+, "(\w+)", (\w+), (\d+), "([\dx]*)"\)', (folder / "net.h").read_text(), re.MULTILINE
    )
    assert values[:2] == [("x", "int16_t", "3", "3"), ("window_0", "int16_t", "12", "4x3")]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("fixed", [False, True])
def test_a_corrupted_weight_shows(tmp_path, fixed, kernels):
    net, graph = wavenet(fixed=fixed)
    folder, x = write(tmp_path, graph, kernels=kernels), net.stream(300)
    path = folder / "net_weights.h"
    text = path.read_text()
    tables = re.findall(r"(static const \w+ (\w+_weights)\[\d+\] = \{\n)", text)
    assert len(tables) == 9
    start = text.index(tables[4][0]) + len(tables[4][0])
    numbers = text[start : text.index("}", start)]
    largest = max(re.findall(r"-?[\d.][\d.e-]*", numbers), key=lambda number: abs(float(number)))
    flipped = largest[1:] if largest.startswith("-") else f"-{largest}"
    path.write_text(
        text[:start]
        + re.sub(rf"(?<![\d.-]){re.escape(largest)}", flipped, numbers, count=1)
        + text[start + len(numbers) :]
    )
    traced = run_build(folder, "net", x, on="host", trace=True).traced
    expected = interpreter.evaluate(graph, [x])
    layer = tables[4][1].removeprefix("net_").removesuffix("_weights")
    different = [name for name, value in traced.items() if np.abs(value - expected[name]).max() > 1e-3]
    assert different[0] == layer


def test_what_does_not_fit_or_compile_is_said(tmp_path):
    net, graph = wavenet()
    folder = write(tmp_path, graph)
    with pytest.raises(ValueError, match="wants"):
        run_build(folder, "net", net.stream(5).astype(np.float64), on="host")
    with pytest.raises(ValueError, match="blocks"):
        run_build(folder, "net", net.stream(5), on="host", blocks=0)
    (folder / "net_weights.h").write_text("#error lost\n")
    with pytest.raises(CheckError, match="lost"):
        run_build(folder, "net", net.stream(5), on="host")


def test_no_samples(tmp_path):
    net, graph = wavenet()
    assert run_build(write(tmp_path, graph), "net", net.stream(0), on="host").y.shape == (0, 1)
