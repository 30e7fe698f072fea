"""Valid/ready streams for the benches: drives `s_*` and collects `m_*` of a module, with random stalls."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import cocotb
from cocotb.clock import Clock
from cocotb.handle import SimHandleBase
from cocotb.triggers import RisingEdge

PERIOD_NS = 10


@dataclass
class Transfers:
    """What went through: values, and the clock cycle of each transfer counted from the first one offered."""

    sent: list[int] = field(default_factory=list)
    values: list[tuple[int, int]] = field(default_factory=list)
    received: list[int] = field(default_factory=list)


async def start(dut: SimHandleBase) -> None:
    """Start the clock and reset."""
    dut.s_valid.value = 0
    dut.m_ready.value = 0
    dut.rst.value = 1
    # The clock toggles in C: Python wakes up once a cycle and not twice.
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
    # The first edge comes before any write has taken effect.
    await RisingEdge(dut.clk)
    await reset(dut)


async def reset(dut: SimHandleBase, cycles: int = 1) -> None:
    """Hold reset for some cycles: one is enough for every module."""
    dut.rst.value = 1
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    dut.rst.value = 0


async def exchange(
    dut: SimHandleBase,
    words: Sequence[tuple[int, ...]],
    count: int,
    *,
    send_stall: float = 0.0,
    receive_stall: float = 0.0,
    inputs: Sequence[str] = ("s_data", "s_last"),
    out_last: bool = True,
) -> Transfers:
    """Send `words` and receive `count` of them.

    Args:
        dut: The module, out of reset.
        words: One bit pattern for each of `inputs`.
        count: Number of output words to wait for. Afterwards the output must stay silent for a while.
        send_stall: Probability of a cycle without an offer before each word.
        receive_stall: Probability of a cycle in which nothing is received.
        inputs: Names of the signals that go with `s_valid`.
        out_last: Whether the output has `m_last`; otherwise it reads as 0.
    """
    edge, rng, seen = RisingEdge(dut.clk), random.Random(cocotb.RANDOM_SEED), Transfers()
    s_valid, s_ready, m_valid, m_ready = dut.s_valid, dut.s_ready, dut.m_valid, dut.m_ready
    signals, m_data = [getattr(dut, name) for name in inputs], dut.m_data
    position, cycle, idle, offering, held = 0, 0, 0, False, None
    limit = 200 + 20 * (len(words) + count)
    # A little longer than needed: a word too many must show.
    while len(seen.values) < count or position < len(words) or idle < 20:
        if position < len(words) and not offering and rng.random() >= send_stall:
            offering = True
            for signal, value in zip(signals, words[position], strict=True):
                signal.value = value
        s_valid.value = int(offering)
        receiving = rng.random() >= receive_stall
        m_ready.value = int(receiving)
        await edge
        idle += 1
        if offering and s_ready.value:
            seen.sent.append(cycle)
            position, offering, idle = position + 1, False, 0
        if m_valid.value:
            value = int(m_data.value), int(dut.m_last.value) if out_last else 0
            assert held in (None, value), f"output changed from {held} to {value} while it was not taken"
            held = None if receiving else value
            if receiving:
                seen.received.append(cycle)
                seen.values.append(value)
                idle = 0
        else:
            assert held is None, f"output {held} was withdrawn before it was taken"
        cycle += 1
        assert idle < limit, f"no transfer for {limit} cycles, after {position} words in, {len(seen.values)} out"
    s_valid.value = 0
    m_ready.value = 0
    assert len(seen.values) == count, f"{len(seen.values)} words came out instead of {count}"
    return seen


async def disturb(dut: SimHandleBase, words: Sequence[tuple[int, ...]], inputs: Sequence[str] = ("s_data", "s_last")):
    """Send as much of `words` as goes in without ever taking a result, then reset in the middle of it all."""
    dut.m_ready.value = 0
    dut.s_valid.value = 1
    for word in words:
        for name, value in zip(inputs, word, strict=True):
            getattr(dut, name).value = value
        for _ in range(8):
            await RisingEdge(dut.clk)
            if dut.s_ready.value:
                break
    dut.s_valid.value = 0
    await reset(dut)


def signed(value: int, width: int) -> int:
    """A bit pattern as the two's complement integer it stands for."""
    return value - (1 << width) if value >> (width - 1) else value


def pattern(value: int, width: int) -> int:
    """The bit pattern of a two's complement integer."""
    return int(value) & ((1 << width) - 1)


def pack(values: list[int], width: int) -> int:
    """Lanes of one word, lane 0 in the lowest bits."""
    return sum(pattern(value, width) << (lane * width) for lane, value in enumerate(values))
