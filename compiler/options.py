"""What a build was asked for."""

from __future__ import annotations

import math
import operator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from compiler import boards
from compiler.errors import CompileError
from compiler.ir.numerics import ROUNDINGS, Rounding

Target = Literal["mcu", "fpga"]
Numbers = Literal["float", "fixed", "q15", "16x8", "q7", "8"]
Kernels = Literal["auto", "cmsis", "c", "cortex-m7"]
Mode = Literal["auto", "stream", "frame"]
Headroom = Literal["proven", "calibrated"]
TARGETS: tuple[Target, ...] = get_args(Target)
NUMBERS: tuple[Numbers, ...] = get_args(Numbers)
KERNELS: tuple[Kernels, ...] = get_args(Kernels)
MODES: tuple[Mode, ...] = get_args(Mode)
HEADROOMS: tuple[Headroom, ...] = get_args(Headroom)

MOST = 2**31 - 1  # what an int of C holds
TABLE_ERRORS = 0.5, 1024.0  # half a last bit is what rounding costs
# Names for fixed point with (bits, weight_bits), 16x8 as TFLite has it; q7 is what that was called before.
WIDTHS = {"q15": (16, 16), "16x8": (16, 8), "q7": (16, 8), "8": (8, 8)}
# What an option is where it counts and is not given; elsewhere it is None.
EVERYWHERE = {"input_range": (-1.0, 1.0)}
FIXED = {"bits": 16, "weight_bits": 16, "rounding": "half_up", "table_error": 1.0, "headroom": "proven"}
OF_TARGET = {"mcu": {"kernels": "auto", "board": boards.DEFAULT}, "fpga": {"clock_hz": 12_288_000, "multipliers": None}}
FLAGS = {"sample_rate_hz": "--sample-rate", "clock_hz": "--clock"}


def flag(option: str) -> str:
    """An option as the command line has it."""
    return FLAGS.get(option, f"--{option.replace('_', '-')}")


@dataclass(frozen=True)
class Options:
    """The options of one build, as the command line has them; see `python -m compiler --help`.

    An option that is not given is None. It then has its default where it counts for this build, and stays None where it
    does not.

    Args:
        target: mcu for C, fpga for Verilog.
        numbers: float or fixed; q15, 16x8 (or q7) and 8 are fixed point with certain widths. The default is float on
            mcu and fixed on fpga.
        bits, weight_bits: How wide values and weights are in fixed point, where the model has no quantisers of its own.
        rounding: How values are rounded where the compiler chooses their formats.
        table_error: By how many last bits of its result a table may miss its function in fixed point, rounding to the
            nearest included; tables are as small as that allows.
        headroom: Whether formats hold all that values can come to, or what they came to in the data for calibration and
            saturate beyond.
        input_range: The least and the largest number that the input takes. A fixed-point build saturates beyond it,
            and every build is verified with inputs within it.
        mode: stream computes one sample from one sample, frame a whole frame at once; auto streams where the model can.
        kernels: c or cmsis, for C with or without CMSIS-DSP; cortex-m7 for products in assembly; auto is c.
        board: The emulated board on which an mcu build is tried and measured.
        sample_rate_hz: Samples a second; on fpga, the clock divided by it is the number of cycles a sample may take.
        clock_hz: The FPGA's clock in Hz.
        multipliers: On fpga, the most to spend; when it is not given, as few are used as the clock allows.

    Raises:
        CompileError: An option has no such value, or was given where it would do nothing.
    """

    target: Target
    numbers: Numbers | None = None
    bits: int | None = None
    weight_bits: int | None = None
    rounding: Rounding | None = None
    table_error: float | None = None
    headroom: Headroom | None = None
    input_range: tuple[float, float] | None = None
    mode: Mode = "auto"
    kernels: Kernels | None = None
    board: str | None = None
    sample_rate_hz: int = 48_000
    clock_hz: int | None = None
    multipliers: int | None = None
    given: frozenset[str] = field(init=False, repr=False)  # the options that may do nothing, and were asked for

    def __post_init__(self) -> None:
        chosen = {option for option in (*FIXED, "input_range") if getattr(self, option) is not None}
        object.__setattr__(self, "given", frozenset(chosen))
        choices = {"target": TARGETS, "numbers": NUMBERS, "rounding": ROUNDINGS, "kernels": KERNELS, "mode": MODES}
        choices["headroom"] = HEADROOMS
        choices["board"] = tuple(boards.BOARDS)
        for option, known in choices.items():
            if (value := getattr(self, option)) is not None and value not in known:
                raise CompileError(f"there is no {flag(option)} {value}: there are {', '.join(known)}")
        if (self.target, self.numbers) == ("fpga", "float"):
            raise CompileError("--target fpga computes in fixed point only", hint="Leave --numbers float out.")
        self._name_widths()
        self._refuse_idle()
        self._fill()
        self._check_values()

    def _name_widths(self) -> None:
        """q15, 16x8 and 8 stand for fixed point with certain widths."""
        if self.numbers not in WIDTHS:
            return
        for option, width in zip(("bits", "weight_bits"), WIDTHS[self.numbers], strict=True):
            if getattr(self, option) not in (None, width):
                raise CompileError(
                    f"{flag(option)} {getattr(self, option)} contradicts --numbers {self.numbers}, which has {width}",
                    hint="Give one of them alone; with --numbers fixed the widths are free.",
                )
            object.__setattr__(self, option, width)
        object.__setattr__(self, "numbers", "fixed")

    def _refuse_idle(self) -> None:
        """An option that would do nothing was given by mistake, or in the belief that it does something."""
        for option in FIXED:
            if getattr(self, option) is not None and not self.fixed:
                raise CompileError(
                    f"{flag(option)} does nothing in floating point, which this build computes in",
                    hint="Give --numbers fixed as well, or leave it out.",
                )
        for target, options in OF_TARGET.items():
            for option in options:
                if getattr(self, option) is not None and target != self.target:
                    raise CompileError(
                        f"{flag(option)} does nothing with --target {self.target}",
                        hint=f"It counts with --target {target}; leave it out.",
                    )

    def _fill(self) -> None:
        for option, value in (EVERYWHERE | (FIXED if self.fixed else {}) | OF_TARGET[self.target]).items():
            if getattr(self, option) is None:
                object.__setattr__(self, option, value)

    def _check_values(self) -> None:
        for option, least, most in (
            ("bits", 2, 16),
            ("weight_bits", 2, 16),
            ("sample_rate_hz", 1, MOST),
            ("clock_hz", 1, MOST),
            ("multipliers", 1, MOST),
        ):
            if (value := getattr(self, option)) is None:
                continue
            try:
                number = operator.index(value)
            except TypeError:
                number = least - 1
            if not least <= number <= most:
                raise CompileError(f"{flag(option)} must be a whole number from {least} to {most:,}, not {value}")
            object.__setattr__(self, option, number)
        if self.table_error is not None:
            least, most = TABLE_ERRORS
            try:
                error = float(self.table_error)
            except (TypeError, ValueError):
                error = math.nan
            if not least <= error <= most:
                raise CompileError(f"--table-error must be a number from {least:g} to {most:g}, not {self.table_error}")
            object.__setattr__(self, "table_error", error)
        try:
            lo, hi = map(float, self.input_range)
        except (TypeError, ValueError):
            raise CompileError(f"--input-range must be two numbers, not {self.input_range!r}") from None
        if not lo < hi or max(abs(lo), abs(hi)) >= 2.0**31:
            raise CompileError(
                f"--input-range must be two numbers, the smaller one first, within 2^31 of zero, not {lo:g} and {hi:g}"
            )
        object.__setattr__(self, "input_range", (lo, hi))

    @property
    def fixed(self) -> bool:
        """Whether the build computes in fixed point."""
        return self.target == "fpga" or self.numbers in ("fixed", *WIDTHS)

    def to_json(self) -> dict[str, Any]:
        """For the build's report."""
        known = {key: value for key, value in asdict(self).items() if key != "given"}
        return known | {"numbers": "fixed" if self.fixed else "float"}
