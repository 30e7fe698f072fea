"""Checks requantize against fxpmath, an independent implementation of fixed point."""

import random

import cocotb
import numpy as np
from fxpmath import Fxp

from sim.runner import configuration
from sim.stream import disturb, exchange, pattern, signed, start


def expected(values: list[int], c: dict) -> list[int]:
    """What fxpmath makes of `values`, accumulators with SHIFT fraction bits, rounded to integers."""
    exact = np.array(values, dtype=np.float64) * 2.0 ** -c["SHIFT"]
    # fxpmath's "around" is numpy's: ties to even. It has no rounding of ties upwards, which is floor(x + 1/2).
    if c["checked_rounding"] == "half_up":
        exact = exact + 0.5
    rounding = "around" if c["checked_rounding"] == "half_even" else "floor"
    rounded = Fxp(exact, signed=True, n_word=60, n_frac=0, rounding=rounding, overflow="saturate")
    return [int(v) for v in np.clip(rounded.val.astype(np.int64), c["LOW"], c["HIGH"])]


def stimulus(c: dict) -> list[int]:
    """Random values of every magnitude, every tie and its neighbours around zero and the clamps, and the extremes."""
    width, shift = c["IN_WIDTH"], c["SHIFT"]
    low, high = -(2 ** (width - 1)), 2 ** (width - 1) - 1
    values = [random.randint(low, high) >> random.randrange(width) for _ in range(300)]
    scale, half = 2.0**shift, 2.0 ** (shift - 1)
    for centre in (0, c["LOW"], c["HIGH"]):
        for n in range(centre - 3, centre + 4):
            values += [int(n * scale + half) + d for d in (-1, 0, 1)] + [int(n * scale)]
    return [v for v in [*values, low, low + 1, high, high - 1, -1, 0, 1] if low <= v <= high]


@cocotb.test()
async def matches_fxpmath(dut):
    """Every value, at full speed and with stalls on either side, after a reset with words inside."""
    c = configuration()
    values = stimulus(c)
    random.shuffle(values)
    words = [(pattern(v, c["IN_WIDTH"]), i % 3 == 2) for i, v in enumerate(values)]
    want = [(w, i % 3 == 2) for i, w in enumerate(expected(values, c))]
    await start(dut)
    await disturb(dut, words[:5])
    for stalls in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3)):
        seen = await exchange(dut, words, len(words), send_stall=stalls[0], receive_stall=stalls[1])
        got = [(signed(v, c["OUT_WIDTH"]), bool(last)) for v, last in seen.values]
        wrong = [(v, g, w) for v, g, w in zip(values, got, want, strict=True) if g != w]
        assert not wrong, f"{len(wrong)} differ, (input, output, expected): {wrong[:5]}"
        if stalls == (0.0, 0.0):
            assert seen.received == list(range(2, 2 + len(words))), "not one word a cycle after two cycles"
