"""How many multipliers each stage gets: as few as the time between two samples allows, or as many as there are.

A stage with P = input lanes * output lanes multipliers works through its matrix a piece a cycle; all stages
work at once, so the slowest sets the pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.errors import CompileError
from compiler.fpga.stages import Stage


@dataclass(frozen=True)
class Folding:
    """How one stage is laid out: how many input and output channels it multiplies at once."""

    input_lanes: int
    output_lanes: int

    @property
    def multipliers(self) -> int:
        """What it costs."""
        return self.input_lanes * self.output_lanes


def cycles(stage: Stage, folding: Folding) -> int:
    """Clock cycles between two samples of a stage; rtl/conv1d.v says why."""
    steps = stage.taps * -(-stage.inputs // folding.input_lanes)
    full, rest = divmod(stage.outputs, folding.output_lanes)
    passes = full * max(steps, folding.output_lanes) + (max(steps, rest) if rest else 0)
    return max(stage.inputs, passes)


def choices(stage: Stage) -> list[tuple[int, Folding]]:
    """(cycles, folding), from the cheapest to the fastest: each faster than any that costs as much or less."""
    # Lanes between two of these numbers idle in the last pass without saving one.
    lanes_in = sorted({-(-stage.inputs // n) for n in range(1, stage.inputs + 1)})
    lanes_out = sorted({-(-stage.outputs // n) for n in range(1, stage.outputs + 1)})
    every = [Folding(i, o) for i in lanes_in for o in lanes_out]
    best: list[tuple[int, Folding]] = []
    for folding in sorted(every, key=lambda f: (f.multipliers, cycles(stage, f), f.input_lanes)):
        needed = cycles(stage, folding)
        if not best or needed < best[-1][0]:
            best.append((needed, folding))
    return best


def fold(chain: Sequence[Stage], *, budget: int, multipliers: int | None = None) -> tuple[Folding, ...]:
    """One folding for each stage.

    Args:
        budget: Clock cycles between two samples, which no stage may exceed.
        multipliers: Spend up to so many and be as fast as they allow, instead of as few as the budget needs.

    Raises:
        CompileError: Naming the layer that cannot be that fast, or that there are too few multipliers.
    """
    options = [choices(stage) for stage in chain]
    for stage, option in zip(chain, options, strict=True):
        if option[-1][0] > budget:
            raise CompileError(
                f"needs {option[-1][0]} clock cycles a sample; there are {budget}",
                layer=stage.layer,
                hint="Raise --clock or lower --sample-rate.",
            )
    if multipliers is None:
        return _cheapest(options, budget)
    paces = sorted({pace for option in options for pace, _ in option if pace <= budget} | {budget})
    for pace in paces:
        if all(option[-1][0] <= pace for option in options):
            folding = _cheapest(options, pace)
            if sum(f.multipliers for f in folding) <= multipliers:
                return folding
    least = sum(f.multipliers for f in _cheapest(options, budget))
    raise CompileError(
        f"{multipliers} multipliers are too few: {least} are needed for {budget} clock cycles a sample",
        hint="Raise --multipliers or --clock, or lower --sample-rate.",
    )


def _cheapest(options: Sequence[list[tuple[int, Folding]]], pace: int) -> tuple[Folding, ...]:
    return tuple(next(folding for needed, folding in option if needed <= pace) for option in options)
