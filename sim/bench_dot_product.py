"""Checks dot_product against fxpmath: products of fixed-point numbers, summed without loss."""

import random

import cocotb
import numpy as np
from fxpmath import Fxp

from sim.runner import configuration
from sim.stream import disturb, exchange, pack, signed, start

INPUTS = ("s_row", "s_weights", "s_last")


def stimulus(c: dict) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows (words, lanes) with weights (words, columns, lanes) that fit the accumulator; extremes among them."""
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    x_low, w_low = -(2 ** (c["WIDTH"] - 1)), -(2 ** (c["WEIGHT_WIDTH"] - 1))
    rows = []
    for n in range(60):
        words = random.choice([1, 1, 2, 3, c["longest"]])
        x = rng.integers(x_low, -x_low, (words, c["LANES"]))
        w = rng.integers(w_low, -w_low, (words, c["COLUMNS"], c["LANES"]))
        if n % 4 == 1:
            # The largest product there is, on every lane.
            x[:], w[:] = x_low, w_low
        elif n % 4 == 3:
            x[:], w[:] = x_low, -w_low - 1
        rows.append((x, w))
    return rows


def expected(rows: list[tuple[np.ndarray, np.ndarray]], c: dict) -> list[list[int]]:
    """Sums per row and column, from fxpmath's products with all their bits."""
    sums = []
    for x, w in rows:
        fx = Fxp(x[:, None, :] / 2**4, signed=True, n_word=c["WIDTH"], n_frac=4)
        fw = Fxp(w / 2**3, signed=True, n_word=c["WEIGHT_WIDTH"], n_frac=3)
        product = fx * fw
        assert product.n_frac == 7
        sums.append([int(v) for v in np.asarray(product.val, np.int64).sum(axis=(0, 2))])
    return sums


@cocotb.test()
async def matches_fxpmath(dut):
    """Sums of every length, back to back, with stalls, after a reset in the middle of a sum."""
    c = configuration()
    rows = stimulus(c)
    words = [
        (pack(list(x[i]), c["WIDTH"]), pack(list(w[i].reshape(-1)), c["WEIGHT_WIDTH"]), i == len(x) - 1)
        for x, w in rows
        for i in range(len(x))
    ]
    want = expected(rows, c)
    want[-1][0] += c.get("corrupt", 0)
    await start(dut)
    for stalls in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.7), (0.3, 0.3)):
        await disturb(dut, words[:5], INPUTS)
        seen = await exchange(
            dut, words, len(rows), send_stall=stalls[0], receive_stall=stalls[1], inputs=INPUTS, out_last=False
        )
        mask = (1 << c["ACC_WIDTH"]) - 1
        for n, (value, _) in enumerate(seen.values):
            sums = [signed(value >> (o * c["ACC_WIDTH"]) & mask, c["ACC_WIDTH"]) for o in range(c["COLUMNS"])]
            assert sums == want[n], f"row {n}: {sums} instead of {want[n]}"
        if stalls == (0.0, 0.0):
            assert seen.sent == list(range(len(words))), "an idle cycle at full speed"
