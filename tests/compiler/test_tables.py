"""What a compilation ends with."""

from pathlib import Path

import pytest

from compiler import tables
from compiler.boards import BOARDS
from compiler.ir.graph import Graph
from compiler.ir.ops import Unary
from compiler.ir.values import Value


def graph(inputs, outputs=((1,),), mode="stream", controls=()):
    values = tuple(Value(name, shape, name) for name, shape in inputs)
    ops = tuple(
        Unary(inputs=values[:1], output=Value(f"y{n}", shape, f"y{n}"), function="relu")
        for n, shape in enumerate(outputs)
    )
    return Graph("net", mode, values, tuple(op.output for op in ops), ops, controls=controls)


@pytest.mark.parametrize(
    ("net", "arguments"),
    [
        (graph([("audio", (1,))]), "--input x.wav --output y.wav"),
        (graph([("audio", (3,))]), "--input x.npy --output y.wav"),
        (graph([("image", (8, 8, 3))], [(4,)], "frame"), "--input x.npy --output y.npy"),
        (graph([("audio", (1,))], [(1,), (2,)]), "--input x.wav --output y.npz"),
        (
            graph([("dry in", (2,)), ("knobs", (2,)), ("many", (9,))], controls=("knobs", "many")),
            "--input 'dry in=dry in.wav' --input knobs=0.5,0.5 --input many=many.npy --output y.wav",
        ),
    ],
)
def test_the_next_command_has_what_the_model_takes(net, arguments):
    line = tables.next_command(Path("my build"), net, "host", verified=True)
    assert line == f"next: python -m compiler.run 'my build' {arguments} --on host"
    assert tables.next_command(Path("b"), net, "host", verified=False) == "next: python -m compiler.verify b"


def test_a_summary_begins_with_the_load():
    mcu = {"sample_rate_hz": 48_000, "instructions_per_sample": 1000.0, "flash_bytes": 12_345, "macs_per_block": 0}
    assert tables.summary(mcu).splitlines() == [
        "       10.0%  of a Cortex-M7 at 480 MHz if an instruction took a cycle, at 48,000 samples a second",
        "     1,000.0  Cortex-M7 instructions a sample (instructions, not cycles)",
        "      12,345  bytes of flash",
    ]
    slower = tables.summary(mcu | {"options": {"board": "cortex-m4"}}).splitlines()
    assert slower[0].startswith("       28.6%  of a Cortex-M4 at 168 MHz")
    assert "Cortex-M4 instructions" in slower[1]
    fpga = {"sample_rate_hz": 48_000, "clock_hz": 12_288_000, "cycles_per_sample": 64.0, "multipliers": 3}
    assert tables.summary(fpga).splitlines()[0] == "       25.0%  of the clock cycles there are for a sample, 256"


def test_every_board_has_a_processor():
    for name, board in BOARDS.items():
        report = {"sample_rate_hz": 1000, "instructions_per_sample": board.clock_hz / 4000, "options": {"board": name}}
        assert tables.summary(report).split()[:4] == ["25.0%", "of", "a", board.processor]
