"""Waits while network_bench.v plays its file, then looks whether it came to a proper end."""

import cocotb
from cocotb.triggers import RisingEdge

from sim.runner import configuration


@cocotb.test()
async def plays_to_the_end(dut):
    """All words go in, as many as expected come out, and each sample ends with its last channel."""
    c = configuration()
    await RisingEdge(dut.done)
    sent, received = dut.sent.value, dut.received.value
    want = c["SAMPLES"] * c["INPUTS"], c["SAMPLES"] * c["OUTPUTS"]
    assert (sent, received) == want, f"{sent} words went in and {received} came out, not {want[0]} and {want[1]}"
    assert not dut.broken.value, "an output word is unknown, or m_last is not with the last channel"
