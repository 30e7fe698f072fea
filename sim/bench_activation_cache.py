"""Checks the windows that a cache sends, in memory and in registers."""

import cocotb
import numpy as np

from sim.exact import windows
from sim.runner import configuration
from sim.stream import disturb, exchange, pack, pattern, start


@cocotb.test()
async def sends_every_window(dut):
    """Every window from the first sample on, at full speed and with stalls, after a reset in mid-sample."""
    c = configuration()
    width, channels, taps, dilation = (c[k] for k in ("WIDTH", "CHANNELS", "TAPS", "DILATION"))
    lanes, repeats = c["LANES"], c["REPEATS"]
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    samples = (taps - 1) * dilation * 2 + 8
    x = rng.integers(-(2 ** (width - 1)), 2 ** (width - 1), (samples, channels))
    words = [(pattern(v, width), n == channels - 1) for row in x for n, v in enumerate(row)]
    steps = -(-channels // lanes)
    padded = np.zeros((samples, taps, steps * lanes), np.int64)
    padded[:, :, :channels] = windows(x, taps, dilation, np.array(c["initial"]))
    groups = [[pack(list(g), width) for g in row.reshape(taps * steps, lanes)] for row in padded]
    want = [(v, n == taps * steps - 1) for row in groups for _ in range(repeats) for n, v in enumerate(row)]
    await start(dut)
    for stalls in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.8, 0.2)):
        await disturb(dut, words[: 3 * channels - 1])
        seen = await exchange(dut, words, len(want), send_stall=stalls[0], receive_stall=stalls[1])
        for n, (got, expected) in enumerate(zip(seen.values, want, strict=True)):
            where = f"sample {n // (repeats * taps * steps)}, word {n % (repeats * taps * steps)}"
            assert got == expected, f"{where}: {got[0]:x}, last {got[1]}, not {expected[0]:x}, last {expected[1]}"
        if stalls == (0.0, 0.0):
            cycles = max(channels, repeats * taps * steps)
            assert seen.received[-1] - seen.received[len(want) // samples - 1] == cycles * (samples - 1)
            first = seen.sent[::channels]
            # The first samples go in ahead of time; from then on the beat is that of the windows.
            assert set(np.diff(first[3:])) == {cycles}, f"{np.diff(first)} cycles from sample to sample, not {cycles}"
