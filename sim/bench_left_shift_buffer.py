"""Checks the windows that left_shift_buffer sends: those of an activation_cache without dilation."""

import cocotb

from sim.bench_activation_cache import check_windows


@cocotb.test()
async def sends_every_window(dut):
    """The cache in flip-flops."""
    await check_windows(dut, 1)
