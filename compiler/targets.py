"""The table of targets. To add one: a class with what `contract.Target` asks for, and its line here."""

from __future__ import annotations

from compiler.contract import Target
from compiler.fpga.target import FPGA
from compiler.mcu.target import MCU

TARGETS: dict[str, Target] = {target.name: target for target in (MCU, FPGA)}
# Every place that builds of some target run on, each once.
RUNS_ON: tuple[str, ...] = tuple(dict.fromkeys(place for target in TARGETS.values() for place in target.runs_on))
