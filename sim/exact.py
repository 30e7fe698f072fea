"""What the modules compute, in exact integers: numpy and nothing else, one straightforward line per definition."""

import numpy as np


def windows(x: np.ndarray, taps: int, dilation: int, initial: np.ndarray) -> np.ndarray:
    """(samples, channels) -> (samples, taps, channels), oldest tap first; `initial` stands before the first sample."""
    span = (taps - 1) * dilation
    padded = np.concatenate([np.tile(initial, (span, 1)), x])
    return np.stack([padded[k * dilation : k * dilation + len(x)] for k in range(taps)], axis=1)


def convolve(x: np.ndarray, weights: np.ndarray, bias: np.ndarray, dilation: int, initial: np.ndarray) -> np.ndarray:
    """Accumulators of a causal convolution: x (samples, channels), weights (taps, channels, outputs)."""
    return np.einsum("tkc,kcf->tf", windows(x, len(weights), dilation, initial), weights) + bias


def requantize(accumulators: np.ndarray, shift: int, rounding: str, low: int, high: int) -> np.ndarray:
    """Divide by 2**shift with rounding, then clamp."""
    if shift <= 0:
        return np.clip(accumulators << -shift, low, high)
    half = 1 << (shift - 1)
    value = (accumulators + (0 if rounding == "floor" else half)) >> shift
    if rounding == "half_even":
        value -= ((accumulators & ((1 << shift) - 1)) == half) & value & 1
    return np.clip(value, low, high)


def accumulator_width(weights: np.ndarray, bias: np.ndarray, width: int) -> int:
    """Bits that hold every sum of a (rows, columns) matrix on inputs of `width` bits, and not one more."""
    largest = int((np.abs(weights).sum(axis=0) * 2 ** (width - 1) + np.abs(bias)).max())
    return largest.bit_length() + 1


def pass_columns(columns: int, lanes: int) -> list[int]:
    """Columns of each pass of a matrix that is folded onto some lanes."""
    return [min(lanes, columns - first) for first in range(0, columns, lanes)]


def cycles_per_sample(inputs: int, outputs: int, taps: int, input_lanes: int, output_lanes: int) -> int:
    """Clock cycles between two samples of a conv1d that is never kept waiting."""
    steps = taps * -(-inputs // input_lanes)
    return max(inputs, sum(max(steps, columns) for columns in pass_columns(outputs, output_lanes)))
