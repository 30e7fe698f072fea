"""Builds beside other code: CMSIS-Core and CMSIS-DSP of any version, other builds, and no C library at all."""

import re
import subprocess
from pathlib import Path

import pytest
from mcu_nets import float_only, wavenet
from mcu_sketch import every_function, every_operation, gated
from mcu_tools import STRICT, compile_c, write

from compiler.boards import CORTEX_M4, CORTEX_M7

MACHINES = {"gcc": (), "clang": (), CORTEX_M7.compiler: CORTEX_M7.flags}
machine = pytest.mark.parametrize("compiler", MACHINES)

# What CMSIS-Core and CMSIS-DSP declare, as functions and as macros, under the names of their files.
NEIGHBOURS = {
    "core_cm7.h": '#include "cmsis_compiler.h"\n',
    "cmsis_compiler.h": """
#ifndef __CMSIS_COMPILER_H
#define __CMSIS_COMPILER_H
#include <stdint.h>
#include "cmsis_gcc.h"
#endif
""",
    "cmsis_gcc.h": """
#ifndef __CMSIS_GCC_H
#define __CMSIS_GCC_H
#define __STATIC_INLINE static inline
#define __STATIC_FORCEINLINE static inline __attribute__((always_inline, unused))
#define __ALIGNED(bytes) __attribute__((aligned(bytes)))
#define __WEAK __attribute__((weak))
__STATIC_FORCEINLINE uint8_t __CLZ(uint32_t x) { return x == 0u ? 32u : (uint8_t)__builtin_clz(x); }
__STATIC_FORCEINLINE uint32_t __ROR(uint32_t x, uint32_t n) { return n == 0u ? x : x >> n | x << (32u - n); }
__STATIC_FORCEINLINE int32_t __SSAT(int32_t x, uint32_t bits) { return bits == 99u ? 0 : x; }
#define __USAT(x, bits) ((uint32_t)(x) + 0u * (bits))
__STATIC_FORCEINLINE uint64_t __SMLALD(uint32_t x, uint32_t y, uint64_t sum) { return x + y + sum; }
__STATIC_FORCEINLINE uint32_t __SMLAD(uint32_t x, uint32_t y, uint32_t sum) { return x + y + sum; }
__STATIC_FORCEINLINE int32_t __QADD(int32_t x, int32_t y) { return x + y; }
__STATIC_FORCEINLINE int32_t __QSUB(int32_t x, int32_t y) { return x - y; }
#endif
""",
    "arm_math.h": """
#ifndef _ARM_MATH_H
#define _ARM_MATH_H
#include "cmsis_compiler.h"
#define ARM_MATH_DSP 1
#define ARM_DSP_ATTRIBUTE extern
typedef int16_t q15_t;
typedef int32_t q31_t;
typedef int64_t q63_t;
typedef float float32_t;
typedef struct { uint16_t numRows; uint16_t numCols; float32_t *pData; } arm_matrix_instance_f32;
void arm_mat_vec_mult_f32(const arm_matrix_instance_f32 *m, const float32_t *x, float32_t *y);
void arm_dot_prod_q15(q15_t *a, q15_t *b, uint32_t count, q63_t *y);
static inline q31_t read_q15x2_ia(q15_t **x) { return **x; }
#endif
""",
}
PROGRAM = """
#include "arm_math.h"
#include "core_cm7.h"
#include "net.h"
int main(void)
{
    static net_t s;
    static net_in_t x[NET_INPUTS] = {1};
    net_out_t y[NET_OUTPUTS];
    net_init(&s);
    net_process(&s, x, y, 1);
    return __SSAT((int32_t)__CLZ(1u), 8u) != 31;
}
"""


def neighbours(folder):
    folder.mkdir()
    for name, text in NEIGHBOURS.items():
        (folder / name).write_text(text)
    return folder


@machine
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("order", ["build first", "CMSIS first"])
def test_beside_cmsis_core_and_another_cmsis_dsp(tmp_path, fixed, order, compiler):
    """On the include path before and after the build, included before all else, and by the program itself."""
    core = neighbours(tmp_path / "core")
    build = write(tmp_path / "build", wavenet(fixed=fixed, wide=fixed)[1], kernels="cmsis")
    assert any("cmsis_dsp/" in path.as_posix() and path.suffix == ".inc" for path in build.rglob("*"))
    (tmp_path / "main.c").write_text(PROGRAM)
    paths = [f"-I{path}" for path in ((build, core) if order == "build first" else (core, build))]
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", *MACHINES[compiler], *paths]
    sources = [*build.glob("*.c"), tmp_path / "main.c"]
    before = ["-include", "core_cm7.h", "-include", "arm_math.h"]
    for extra in ([], before):
        for source in sources:
            output = tmp_path / f"{source.stem}{len(extra)}.o"
            compile_c(*flags, *extra, "-c", source, "-o", output, compiler=compiler)
    if compiler == "gcc":
        compile_c(tmp_path / "net0.o", tmp_path / "main4.o", "-o", tmp_path / "main", "-lm")
        assert subprocess.run([tmp_path / "main"], check=False).returncode == 0


def symbols(compiler, path, what):
    tool = {"gcc": "nm", "clang": "nm"}.get(compiler, "arm-none-eabi-nm")
    result = subprocess.run([tool, what, "-g", str(path)], capture_output=True, text=True, check=True)
    return {line.split()[-1] for line in result.stdout.splitlines()}


@pytest.mark.parametrize("compiler", ["gcc", CORTEX_M7.compiler])
@pytest.mark.parametrize("kernels", ["c", "cmsis"])
@pytest.mark.parametrize("make", [lambda: wavenet(fixed=True, wide=True), wavenet, lambda: gated(2, 3)])
def test_every_name_that_the_linker_sees_has_the_builds_prefix(tmp_path, make, kernels, compiler):
    """So that any number of builds link, however their files are gathered."""
    write(tmp_path, make()[1], kernels=kernels)
    for source in [path for path in tmp_path.rglob("*") if path.suffix == ".c"]:
        compile_c(*MACHINES[compiler], "-O0", "-c", source, "-o", tmp_path / "one.o", compiler=compiler)
        assert all(name.startswith("net_") for name in symbols(compiler, tmp_path / "one.o", "--defined-only"))


def test_builds_gathered_by_wildcard(tmp_path):
    builds = {"first": (wavenet()[1], "cmsis"), "second": (wavenet(fixed=True, wide=True)[1], "cmsis")}
    builds |= {"third": (gated(2, 3)[1], "cmsis"), "fourth": (wavenet()[1], "c")}
    for name, (graph, kernels) in builds.items():
        write(tmp_path / name, graph, name=name, kernels=kernels)
    calls = "".join(f"    {{ static {name}_t s; {name}_init(&s); }}\n" for name in builds)
    includes = "".join(f'#include "{name}/{name}.h"\n' for name in builds)
    (tmp_path / "main.c").write_text(f"{includes}int main(void)\n{{\n{calls}    return 0;\n}}\n")
    compile_c("main.c", *sorted(tmp_path.glob("*/*.c")), "-o", "main", "-lm", cwd=tmp_path)
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0
    # All in one file too.
    together = "".join(f'#include "{path.as_posix()}"\n' for path in sorted(tmp_path.glob("*/*.c")))
    (tmp_path / "together.c").write_text(together)
    compile_c("main.c", "together.c", "-o", "main", "-lm", cwd=tmp_path)


LIBRARY = re.compile(r"#include <(math|string|stdlib|stdio)\.h>")
COPIES = {"memcpy", "memmove", "memset"}
FREE = {
    "fixed": lambda: wavenet(fixed=True, wide=True),
    "functions": lambda: every_function("stream"),
    "operations": lambda: every_operation("frame"),
    "quantised": lambda: float_only(),
}


@machine
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("make", FREE.values(), ids=FREE)
def test_without_a_c_library(tmp_path, make, level, compiler):
    """Builds compile where no header of one is, and ask the linker for copies alone: no tanhf, expf, sqrtf, rintf."""
    write(tmp_path / "build", make()[1])
    poison = tmp_path / "poison"
    poison.mkdir()
    for header in ("math.h", "string.h", "stdlib.h", "stdio.h", "assert.h"):
        (poison / header).write_text("#error no C library here\n")
    for file in ("net.h", "net.c", "net_weights.h"):
        assert not LIBRARY.search((tmp_path / "build" / file).read_text())
    source, program = tmp_path / "build" / "net.c", tmp_path / "net.o"
    for machine_flags in (MACHINES[compiler], *([CORTEX_M4.flags] if compiler == CORTEX_M7.compiler else [])):
        flags = [*STRICT, *machine_flags, "-ffreestanding", level, f"-I{poison}"]
        compile_c(*flags, "-c", source, "-o", program, compiler=compiler)
        wanted = symbols(compiler, program, "--undefined-only")
        # What compilers call for 64-bit arithmetic on a 32-bit machine is part of them.
        assert {name for name in wanted if not name.startswith("__aeabi_")} <= COPIES, machine_flags


def test_a_call_of_the_c_library_is_seen(tmp_path):
    (tmp_path / "net.c").write_text("float tanhf(float x);\nfloat f(float x)\n{\n    return tanhf(x);\n}\n")
    compile_c("-O2", "-c", tmp_path / "net.c", "-o", tmp_path / "net.o")
    assert symbols("gcc", tmp_path / "net.o", "--undefined-only") - COPIES == {"tanhf"}


NETS = {
    "relu": (lambda: wavenet(), {"float", "kernels_c", "ring"}),
    "fixed": (lambda: wavenet(fixed=True), {"fixed", "kernels_fixed_c", "ring"}),
    "functions": (lambda: every_function("frame"), {"float", "functions"}),
    "operations": (
        lambda: every_operation("frame"),
        {"boxes", "float", "functions", "kernels_c", "quantize", "ring", "strided"},
    ),
    "quantised": (lambda: float_only(), {"float", "functions", "kernels_c", "quantize", "ring"}),
}


@pytest.mark.parametrize(("make", "wanted"), NETS.values(), ids=NETS)
def test_a_build_carries_what_it_includes(tmp_path, make, wanted):
    """Each header is reached from net.c, but for the one that is for programs around a build."""
    folder = write(tmp_path, make()[1])
    reached, pending = set(), ["net.c"]
    while pending:
        text = (folder / pending.pop()).read_text()
        new = set(re.findall(r'#include "([\w./]+)"', text)) - reached
        reached |= new
        pending += new
    carried = {path.name for path in folder.glob("*.h")}
    assert carried - {"nn_convert.h"} == reached
    shared = {name.removeprefix("nn_").removesuffix(".h") for name in carried if name.startswith("nn_")}
    assert shared - {"base", "convert"} <= wanted and "base" in shared


def test_the_runtimes_headers_stand_alone():
    """Each compiles by itself, in C and in C++."""
    runtime = Path(__file__).resolve().parents[2] / "firmware" / "runtime"
    for header in sorted(runtime.glob("nn_*.h")):
        if "cmsis" not in header.name:
            compile_c("-std=c99", "-Wall", "-Werror", "-fsyntax-only", "-x", "c", header)
            compile_c("-Wall", "-Werror", "-fsyntax-only", "-x", "c++", header, compiler="g++")
