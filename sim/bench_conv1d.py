"""Checks conv1d against a causal convolution in exact integers, and its pace against the formula, to the cycle."""

import cocotb
import numpy as np

from sim.exact import convolve, cycles_per_sample, requantize
from sim.runner import configuration
from sim.stream import disturb, exchange, pattern, signed, start


def stimulus(c: dict, weights: np.ndarray) -> np.ndarray:
    """Random samples, then full scale, silence, and the samples that drive the sums as far as they go."""
    low, high = -(2 ** (c["WIDTH"] - 1)), 2 ** (c["WIDTH"] - 1) - 1
    span = (c["TAPS"] - 1) * c["DILATION"] + 1
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    loud = rng.integers(low, high + 1, (span + 6, c["INPUTS"]))
    quiet = loud >> max(c["WIDTH"] - 6, 0)
    worst = np.where(weights[:, :, 0] < 0, low, high).repeat(c["DILATION"], axis=0)[: span + 2]
    full = np.concatenate([np.full((span, c["INPUTS"]), low), np.full((2, c["INPUTS"]), high)])
    return np.concatenate([loud, worst, quiet, full, np.zeros((2, c["INPUTS"]), np.int64), loud[::-1]])


@cocotb.test()
async def convolves(dut):
    """Every output from the first sample on, at full speed and with stalls, after a reset in mid-sample."""
    c = configuration()
    weights, bias, initial = (np.array(c[key]) for key in ("weights", "bias", "initial"))
    x = stimulus(c, weights)
    sums = convolve(x, weights, bias, c["DILATION"], initial)
    y = requantize(sums, c["SHIFT"], c["ROUNDING"], c["LOW"], c["HIGH"])
    words = [(pattern(v, c["WIDTH"]), n == c["INPUTS"] - 1) for row in x for n, v in enumerate(row)]
    want = [(int(v), n == c["OUTPUTS"] - 1) for row in y for n, v in enumerate(row)]
    await start(dut)
    for stalls in ((0.0, 0.0), (0.2, 0.2), (0.0, 0.9), (0.9, 0.0))[: c.get("rounds", 2)]:
        await disturb(dut, words[: 3 * c["INPUTS"] - 1])
        seen = await exchange(dut, words, len(want), send_stall=stalls[0], receive_stall=stalls[1])
        for n, ((value, last), expected) in enumerate(zip(seen.values, want, strict=True)):
            got = signed(value, c["OUTPUT_WIDTH"]), bool(last)
            assert got == expected, f"sample {n // c['OUTPUTS']}, channel {n % c['OUTPUTS']}: {got}, not {expected}"
        if stalls == (0.0, 0.0):
            shape = (c[key] for key in ("INPUTS", "OUTPUTS", "TAPS", "INPUT_LANES", "OUTPUT_LANES"))
            cycles = cycles_per_sample(*shape)
            taken, given = np.diff(seen.sent[:: c["INPUTS"]]), np.diff(seen.received[:: c["OUTPUTS"]])
            # The first samples go in ahead of time, until the pipeline is full.
            for what, beats in (("input", taken), ("output", given)):
                assert set(beats[len(beats) // 2 :]) == {cycles}, f"{beats} cycles between {what}s, not {cycles}"
