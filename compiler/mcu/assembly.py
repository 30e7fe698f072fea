"""Products of floats in Thumb-2 for the Cortex-M7: a function for each shape, and its twin in C.

A function computes what nn_product_f32 of firmware/runtime/nn_kernels_c.h does, from the same tables, and adds the
same terms in the same order, so that the bits are those of plain C with a fused multiply-add. Sums of a tile of outputs
stay in registers; inputs and weights come in by the longest multiple loads that there is room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from compiler.mcu import steps, text
from compiler.mcu.packing import TILES, tiles
from compiler.mcu.schedule import Schedule
from compiler.mcu.steps import Step

REGISTERS, SCRATCHED = 32, 16  # of single precision; those that a function may leave changed
UNROLLED = 256  # multiply-adds in a row; more run in a loop
CALL = 6  # instructions around a function: arguments, branch
PER_TERM = 2  # instructions of plain C for each multiply-add
# A processor with the instructions: ARMv7E-M, and a floating-point unit with a maximum, which double precision tells.
GUARD = "defined(__ARM_ARCH_7EM__) && defined(__ARM_FP) && (__ARM_FP & 8)"


@dataclass(frozen=True, order=True)
class Product:
    """The shape of a product, and whether a relu ends it."""

    rows: int
    columns: int
    relu: bool

    def name(self, prefix: str) -> str:
        """The function's, for a build."""
        return f"{prefix}_product_{self.rows}x{self.columns}{'_relu' if self.relu else ''}"


@dataclass(frozen=True)
class Code:
    """Lines of assembly, and how many instructions run through them."""

    lines: tuple[str, ...]
    executed: int

    def __add__(self, other: Code) -> Code:
        return Code(self.lines + other.lines, self.executed + other.executed)

    def times(self, count: int, counter: str, label: str) -> Code:
        """In a loop."""
        if count == 1 or not self.lines:
            return self if count else Code((), 0)
        head = (f"    movw    {counter}, #{count}", f"{label}:")
        tail = (f"    subs.w  {counter}, {counter}, #1", f"    bne.w   {label}")
        return Code(head + self.lines + tail, 1 + count * (self.executed + 2))


def product(step: Step) -> Product | None:
    """What computes a step; None for plain C, which is as good for a few terms."""
    match step:
        case steps.MatMul(accumulator="float"):
            rows, columns = step.weights.shape
        case steps.Convolution(accumulator="float", depthwise=False):
            _, rows, columns = step.kernel.shape
        case _:
            return None
    made = Product(rows, columns, step.activation == "relu")
    return made if function(made).executed + CALL < PER_TERM * rows * columns + columns else None


def products(schedule: Schedule) -> list[Product]:
    """The shapes of a schedule and its bodies, none twice."""
    found = {made for step in schedule.steps if (made := product(step))}
    return sorted(found.union(*(products(scan.body) for scan in schedule.scans)))


@cache
def function(made: Product) -> Code:
    """The body of a product's function, by the registers that take fewer instructions in all."""
    code = _code("vpush   {s16-s31}") + _function(made, REGISTERS) + _code("vpop    {s16-s31}")
    if 2 * min(made.columns, TILES["float"]) < SCRATCHED:  # sums, a weight for each, an input
        code = min(code, _function(made, SCRATCHED), key=lambda code: code.executed)
    return code + _code("bx      lr")


def source(prefix: str, banner: Sequence[str], made: Sequence[Product]) -> str:
    """`<name>_products.S`."""
    parts = []
    for one in made:
        name = one.name(prefix)
        body = [line.replace(".L", f".L{name}_") for line in function(one).lines]
        head = [f"    .global {name}", f"    .type   {name}, %function", f"{name}:"]
        parts.append(text.lines([*head, *body, f"    .size   {name}, . - {name}", ""]))
    return f"""{text.top(f"{prefix}: products for the Cortex-M7; other machines take those in {prefix}.c.", banner)}
#if {GUARD}
#ifndef {prefix.upper()}_ASSEMBLY_SECTION
#define {prefix.upper()}_ASSEMBLY_SECTION .text
#endif
    .syntax unified
    .thumb
    .section {prefix.upper()}_ASSEMBLY_SECTION, "ax", %progbits
    .align  2

/* (y, x, weights, bias): r0 to r3. */
{text.lines(parts)}
#endif
#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
"""


def declarations(prefix: str, made: Sequence[Product]) -> list[str]:
    """In C: the functions, and their twins for other machines."""
    if not made:
        return []
    arguments = "(float *y, const float *x, const float *w, const float *b)"
    lines = [f"/* Products, in {prefix}_products.S for the Cortex-M7. */", f"#if {GUARD}"]
    linkage = ["#ifdef __cplusplus", 'extern "C" {', "#endif"]
    lines += [*linkage, *(f"void {one.name(prefix)}{arguments};" for one in made), linkage[0], "}", linkage[2]]
    lines.append("#else")
    for one in made:
        end = "nn_relu" if one.relu else "nn_linear"
        lines += [f"static void {one.name(prefix)}{arguments}", "{"]
        lines += [f"    nn_product_f32(y, x, w, b, {one.rows}, {one.columns}, {end});", "}"]
    return [*lines, "#endif", ""]


def _function(made: Product, registers: int) -> Code:
    sizes = [stop - start for start, stop in tiles(made.columns, TILES["float"])]
    groups = [(size, sizes.count(size)) for size in sorted(set(sizes), reverse=True)]
    code = Code((), 0)
    for number, (size, count) in enumerate(groups):
        last = number == len(groups) - 1
        if count * size * made.rows <= UNROLLED:
            for index in range(count):
                code += _tile(made, size, registers, f".L{number}_{index}", back=not last or index < count - 1)
        else:
            tile = _tile(made, size, registers, f".L{number}", back=count > 1 or not last)
            code += tile.times(count, "r4", f".Ltiles{number}")
    if any("r4" in line for line in code.lines):
        return _code("push    {r4, lr}") + code + _code("pop     {r4, lr}")
    return code


def _tile(made: Product, size: int, registers: int, label: str, *, back: bool) -> Code:
    """Some outputs; `back` where others follow, which read the inputs again."""
    rows, free = made.rows, registers - size
    code = _load("r3", 0, size)
    pairs = [(x, w) for w in range(1, free // size + 1) for x in range(1, free - w * size + 1)]
    if rows * size <= UNROLLED:
        inputs, at_once = min(pairs, key=lambda pair: sum(-(-rows // each) for each in pair))
        code += _terms(size, rows, inputs, at_once)
    else:
        even = [(x, w) for x, w in pairs if max(x, w) % min(x, w) == 0]
        inputs, at_once = min(even, key=lambda pair: 1 / pair[0] + 1 / pair[1])
        turn = max(inputs, at_once)
        turn *= max(1, UNROLLED // 2 // (turn * size))
        code += _terms(size, turn, inputs, at_once).times(rows // turn, "r12", label)
        code += _terms(size, rows % turn, inputs, at_once)
    if made.relu:
        zero = f"s{size}"
        code += _code(f"vmov.f32 {zero}, #1.0", f"vsub.f32 {zero}, {zero}, {zero}")
        code += _code(*(f"vmaxnm.f32 s{t}, s{t}, {zero}" for t in range(size)))
    code += _code(f"vstmia  r0!, {_registers(0, size)}")
    if back:
        if 4 * rows < 4096:
            code += _code(f"subw    r1, r1, #{4 * rows}")
        else:
            code += _code(
                f"movw    r12, #{4 * rows & 0xFFFF}", f"movt    r12, #{4 * rows >> 16}", "sub.w   r1, r1, r12"
            )
    return code


def _terms(size: int, rows: int, inputs: int, at_once: int) -> Code:
    """Sums s0 ... take the next inputs: `inputs` come in together, and the weights of `at_once` of them."""
    code, first = Code((), 0), size + at_once * size
    for row in range(rows):
        if row % inputs == 0:
            code += _load("r1", first, min(inputs, rows - row))
        if row % at_once == 0:
            code += _load("r2", size, size * min(at_once, rows - row))
        for t in range(size):
            code += _code(f"vfma.f32 s{t}, s{size + row % at_once * size + t}, s{first + row % inputs}")
    return code


def _load(pointer: str, first: int, count: int) -> Code:
    return _code(f"vldmia  {pointer}!, {_registers(first, count)}")


def _registers(first: int, count: int) -> str:
    return f"{{s{first}-s{first + count - 1}}}" if count > 1 else f"{{s{first}}}"


def _code(*instructions: str) -> Code:
    return Code(tuple(f"    {line}" for line in instructions), len(instructions))
