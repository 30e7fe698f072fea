"""Checks multiply, portable or on ECP5, against Python's integers."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from sim.runner import configuration
from sim.stream import PERIOD_NS, pattern


@cocotb.test()
async def multiplies(dut):
    """Two enabled cycles from factors to product; nothing moves in a cycle that is not enabled."""
    c = configuration()
    a_width, b_width = c["A_WIDTH"], c["B_WIDTH"]
    a_low, b_low = -(2 ** (a_width - 1)), -(2 ** (b_width - 1))
    pairs = [(a_low, b_low), (a_low, -b_low - 1), (-a_low - 1, b_low), (-a_low - 1, -b_low - 1), (-1, -1), (0, b_low)]
    pairs += [(random.randrange(a_low, -a_low), random.randrange(b_low, -b_low)) for _ in range(200)]
    dut.enable.value = 0
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
    edge = RisingEdge(dut.clk)
    await edge
    moved = []
    for a, b in pairs:
        enable = 0
        while not enable:
            enable = int(random.random() < 0.7)
            dut.enable.value = enable
            # Noise in a cycle that is not enabled must not get in.
            dut.a.value = pattern(a if enable else ~a, a_width)
            dut.b.value = pattern(b if enable else ~b, b_width)
            await edge
            if len(moved) >= 2:
                want = moved[-2][0] * moved[-2][1] + c.get("corrupt", 0)
                assert dut.product.value.to_signed() == want, f"{moved[-2]}: not {want}"
        moved.append((a, b))
