"""Memory files of the rtl/ modules: integers in, lines of hexadecimal for `$readmemh` out.

The layouts are those that row_by_matrix_multiply.v and activation_cache.v describe; they stand here once, for the
compiler and for the benches alike. Every line is one memory word, two's complement, most significant lane first.
"""

import numpy as np


def weight_words(
    weights: np.ndarray, input_lanes: int, output_lanes: int, weight_width: int, channels: int | None = None
) -> list[str]:
    """Weight memory of a row_by_matrix_multiply.

    Args:
        weights: Integers of shape (rows, columns). Rows count channels fastest: row = tap * channels + channel, tap 0
            the oldest, which is a Keras kernel (K, C, F) reshaped to (K * C, F).
        input_lanes: Rows that are multiplied in one cycle.
        output_lanes: Columns that are summed at once.
        weight_width: Bits of a weight.
        channels: Rows that arrive as one sample. Its words are padded to a multiple of `input_lanes`, so a tap never
            begins in the middle of one. All rows by default.

    Returns:
        passes * steps lines; line pass * steps + step has the weight of lane i and column o at bit
        (o * input_lanes + i) * weight_width, zeros where the matrix ends.

    Example:
        >>> weight_words(np.array([[1, 2, -1]]), input_lanes=1, output_lanes=2, weight_width=8)
        ['0201', '00ff']
    """
    weights = _integers(weights, weight_width)
    rows, columns = weights.shape
    channels = rows if channels is None else channels
    if rows % channels:
        raise ValueError(f"{rows} rows are no whole number of samples of {channels} channels")
    taps, groups, passes = rows // channels, -(-channels // input_lanes), -(-columns // output_lanes)
    padded = np.zeros((taps, groups * input_lanes, passes * output_lanes), weights.dtype)
    padded[:, :channels, :columns] = weights.reshape(taps, channels, columns)
    # (step, lane, pass, column) -> (pass, step, column, lane): the last two are the lanes of one word.
    lanes = padded.reshape(taps * groups, input_lanes, passes, output_lanes).transpose(2, 0, 3, 1)
    return _lines(lanes.reshape(passes * taps * groups, output_lanes * input_lanes), weight_width)


def bias_words(bias: np.ndarray, acc_width: int) -> list[str]:
    """Bias memory of a row_by_matrix_multiply: one line per column, at the scale of the sums.

    Example:
        >>> bias_words(np.array([5, -1]), acc_width=12)
        ['005', 'fff']
    """
    return _lines(_integers(bias, acc_width).reshape(-1, 1), acc_width)


def initial_words(initial: np.ndarray, input_lanes: int, width: int) -> list[str]:
    """Initial sample of a cache: ceil(channels / input_lanes) lines, channel g * input_lanes + i in lane i of line g.

    Example:
        >>> initial_words(np.array([1, 2, 3]), input_lanes=2, width=8)
        ['0201', '0003']
    """
    initial = _integers(initial, width)
    padded = np.zeros(-(-initial.size // input_lanes) * input_lanes, initial.dtype)
    padded[: initial.size] = initial
    return _lines(padded.reshape(-1, input_lanes), width)


def _integers(values: np.ndarray, width: int) -> np.ndarray:
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"memory files hold integers, not {values.dtype}")
    if values.size and not -(2 ** (width - 1)) <= int(values.min()) <= int(values.max()) < 2 ** (width - 1):
        raise ValueError(f"values from {values.min()} to {values.max()} do not fit in {width} bits")
    return values


def _lines(lanes: np.ndarray, width: int) -> list[str]:
    digits, mask = -(-lanes.shape[1] * width // 4), (1 << width) - 1
    return [
        f"{sum((int(value) & mask) << (lane * width) for lane, value in enumerate(word)):0{digits}x}" for word in lanes
    ]
