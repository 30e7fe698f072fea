"""Checks row_by_matrix_multiply against numpy on integers."""

import cocotb
import numpy as np

from sim.exact import pass_columns
from sim.runner import configuration
from sim.stream import disturb, exchange, pack, pattern, start


@cocotb.test()
async def multiplies(dut):
    """Every row, extremes included, at full speed and with stalls, after a reset in mid-row."""
    c = configuration()
    width, lanes = c["WIDTH"], c["INPUT_LANES"]
    weights, bias = np.array(c["weights"]), np.array(c["bias"])
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    low, high = -(2 ** (width - 1)), 2 ** (width - 1) - 1
    x = rng.integers(low, high + 1, (24, c["ROWS"]))
    # The largest sums there are, in each direction, for some columns.
    for n in range(min(4, c["COLUMNS"])):
        x[2 * n] = np.where(weights[:, n] < 0, low, high)
        x[2 * n + 1] = np.where(weights[:, n] < 0, high, low)
    x[8], x[9] = low, high

    steps = -(-c["ROWS"] // lanes)
    padded = np.zeros((len(x), steps * lanes), np.int64)
    padded[:, : c["ROWS"]] = x
    rows = [[pack(list(g), width) for g in row.reshape(steps, lanes)] for row in padded]
    columns = pass_columns(c["COLUMNS"], c["OUTPUT_LANES"])
    words = [(v, n == steps - 1) for row in rows for _ in columns for n, v in enumerate(row)]
    sums = (x @ weights << c["SUM_SHIFT"]) + bias
    want = [(pattern(v, c["ACC_WIDTH"]), n == c["COLUMNS"] - 1) for row in sums for n, v in enumerate(row)]
    await start(dut)
    for stalls in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3)):
        await disturb(dut, words[: steps + 1])
        seen = await exchange(dut, words, len(want), send_stall=stalls[0], receive_stall=stalls[1])
        for n, (got, expected) in enumerate(zip(seen.values, want, strict=True)):
            assert got == expected, f"row {n // c['COLUMNS']}, column {n % c['COLUMNS']}: {got}, not {expected}"
        if stalls == (0.0, 0.0):
            cycles = sum(max(steps, n) for n in columns)
            beats = np.diff(seen.received[:: c["COLUMNS"]])
            assert set(beats) == {cycles}, f"{beats} cycles from row to row, not {cycles}"
