"""What a build was asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from compiler.errors import CompileError
from compiler.ir.numerics import ROUNDINGS, Rounding

Target = Literal["mcu", "fpga"]
Numbers = Literal["float", "fixed"]
Kernels = Literal["auto", "cmsis", "c"]
Mode = Literal["auto", "stream", "frame"]
TARGETS: tuple[Target, ...] = get_args(Target)
KERNELS: tuple[Kernels, ...] = get_args(Kernels)
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True)
class Options:
    """The options of one build, as the command line has them; see `python -m compiler --help`.

    Args:
        numbers: None for the target's default: float on mcu, fixed on fpga.
        bits, weight_bits, rounding: For formats that the compiler chooses.
        input_range: The real numbers the input stays in; beyond it a fixed-point build saturates.
        mode: Whether samples stream through the build, or it computes whole frames; auto streams where it can.
        kernels: What does the vector work on mcu.
        sample_rate_hz, clock_hz: On fpga they say how many cycles a sample may take.
        multipliers: On fpga, the most to spend, instead of as few as the clock allows.
    """

    target: Target
    numbers: Numbers | None = None
    bits: int = 16
    weight_bits: int = 16
    rounding: Rounding = "half_up"
    input_range: tuple[float, float] = (-1.0, 1.0)
    mode: Mode = "auto"
    kernels: Kernels = "auto"
    sample_rate_hz: int = 48_000
    clock_hz: int = 12_288_000
    multipliers: int | None = None

    def __post_init__(self) -> None:
        lo, hi = self.input_range
        checks = {
            f"target {self.target!r}: there are {', '.join(TARGETS)}": self.target in TARGETS,
            f"numbers {self.numbers!r}: there are float, fixed": self.numbers in (None, "float", "fixed"),
            f"rounding {self.rounding!r}: there are {', '.join(ROUNDINGS)}": self.rounding in ROUNDINGS,
            f"kernels {self.kernels!r}: there are {', '.join(KERNELS)}": self.kernels in KERNELS,
            f"mode {self.mode!r}: there are {', '.join(MODES)}": self.mode in MODES,
            f"{self.bits} bits: 2 to 16 are possible": 2 <= self.bits <= 16,
            f"{self.weight_bits} weight bits: 2 to 16 are possible": 2 <= self.weight_bits <= 16,
            f"an input range from {lo} to {hi}": lo < hi and max(abs(lo), abs(hi)) < 2.0**31,
            f"a sample rate of {self.sample_rate_hz} Hz": self.sample_rate_hz > 0,
            f"a clock of {self.clock_hz} Hz": self.clock_hz > 0,
            f"{self.multipliers} multipliers": self.multipliers is None or self.multipliers > 0,
            "the fpga target has no floating point": (self.target, self.numbers) != ("fpga", "float"),
        }
        for what, holds in checks.items():
            if not holds:
                raise CompileError(what)

    @property
    def fixed(self) -> bool:
        """Whether the build computes in fixed point."""
        return self.target == "fpga" or self.numbers == "fixed"

    def to_json(self) -> dict[str, Any]:
        """For the build's report."""
        return asdict(self) | {"numbers": "fixed" if self.fixed else "float"}
