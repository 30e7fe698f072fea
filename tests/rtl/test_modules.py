"""Every module of rtl/ under its bench in sim/, over widths, shapes, dilations and foldings.

Each bench also has tests in which the expectation or a memory file is wrong on purpose: it must then fail.
"""

import numpy as np
import pytest

from compiler.fpga.memory import bias_words, initial_words, weight_words
from sim.exact import accumulator_width
from sim.runner import RTL, SIM, BenchError, rtl_files, simulate

ROUNDINGS = ("floor", "half_up", "half_even")


def signed_range(width):
    return -(2 ** (width - 1)), 2 ** (width - 1) - 1


# requantize


def requantize(rounding, shift=12, in_width=40, out_width=16, low=None, high=None, checked=None):
    least, greatest = signed_range(out_width)
    parameters = {
        "IN_WIDTH": in_width,
        "OUT_WIDTH": out_width,
        "SHIFT": shift,
        "ROUNDING": rounding,
        "LOW": least if low is None else low,
        "HIGH": greatest if high is None else high,
    }
    simulate("requantize", parameters, extra={"checked_rounding": checked or rounding})


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", [12, 1])
def test_requantize_rounds(rounding, shift):
    requantize(rounding, shift)


@pytest.mark.parametrize(
    "options",
    [
        {"shift": 0, "in_width": 18},
        {"shift": -3, "in_width": 20, "out_width": 12},
        {"shift": 7, "in_width": 8, "out_width": 16},
        {"shift": 24, "in_width": 20},
        {"low": 0},
        {"low": 0, "high": 24576},
        {"low": -100, "high": 1000},
        {"shift": 20, "in_width": 46, "out_width": 24},
        {"shift": 9, "in_width": 17, "out_width": 4},
    ],
    ids=str,
)
def test_requantize_shapes(options):
    requantize("half_even", **options)


@pytest.mark.parametrize("rounding,checked", [("floor", "half_up"), ("half_up", "half_even"), ("half_even", "half_up")])
def test_requantize_bench_sees_a_wrong_rounding(rounding, checked):
    with pytest.raises(BenchError, match="differ"):
        requantize(rounding, checked=checked)


# multiply


def multiply(a_width=16, b_width=16, *, ecp5=False, corrupt=0):
    sources = [RTL / "ecp5" / "multiply.v", SIM / "mult18x18d.v"] if ecp5 else [RTL / "multiply.v"]
    parameters = {"A_WIDTH": a_width, "B_WIDTH": b_width}
    simulate("multiply", parameters, sources=sources, extra={"corrupt": corrupt})


@pytest.mark.parametrize("ecp5", [False, True])
@pytest.mark.parametrize("a_width,b_width", [(16, 16), (18, 18), (2, 9), (24, 8)])
def test_multiply(a_width, b_width, ecp5):
    multiply(a_width, b_width, ecp5=ecp5)


def test_multiply_bench_sees_a_wrong_product():
    with pytest.raises(BenchError, match="not"):
        multiply(corrupt=1)


def test_conv1d_on_ecp5_multipliers():
    conv1d(4, 6, 3, 2, 2, 3, ecp5=True)


# dot_product


def dot_product(width=16, weight_width=16, lanes=1, columns=1, longest=9, acc_width=None, corrupt=0):
    parameters = {
        "WIDTH": width,
        "WEIGHT_WIDTH": weight_width,
        "ACC_WIDTH": acc_width or width + weight_width + (longest * lanes).bit_length() - 1,
        "LANES": lanes,
        "COLUMNS": columns,
    }
    simulate("dot_product", parameters, extra={"longest": longest, "corrupt": corrupt})


@pytest.mark.parametrize("lanes", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("columns", [1, 3])
def test_dot_product_folds(lanes, columns):
    dot_product(lanes=lanes, columns=columns)


@pytest.mark.parametrize("width,weight_width", [(8, 8), (16, 8), (18, 18), (4, 3), (2, 2)])
def test_dot_product_widths(width, weight_width):
    dot_product(width, weight_width, lanes=2, columns=2)


def test_dot_product_bench_sees_a_wrong_sum():
    with pytest.raises(BenchError, match="instead of"):
        dot_product(corrupt=1)


def test_dot_product_bench_sees_a_narrow_accumulator():
    with pytest.raises(BenchError, match="instead of"):
        dot_product(acc_width=33)


# activation_cache


def cache(storage, channels, taps, dilation=1, lanes=1, repeats=1, width=16, initial=None, corrupt=0):
    parameters = {"WIDTH": width, "CHANNELS": channels, "TAPS": taps, "LANES": lanes, "REPEATS": repeats}
    parameters |= {"DILATION": dilation, "STORAGE": storage}
    values, files = [0] * channels, {}
    if initial:
        values = [int(v) for v in np.random.default_rng(channels).integers(*signed_range(width), channels)]
        files["initial.hex"] = initial_words(np.array(values), lanes, width)
        parameters["INITIAL_FILE"] = "initial.hex"
    values[-1] ^= corrupt
    simulate("activation_cache", parameters, files=files, extra={"initial": values})


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("taps", [1, 2, 5])
def test_cache_in_registers(channels, taps):
    cache("registers", channels, taps)


@pytest.mark.parametrize("lanes,repeats,initial", [(2, 1, False), (3, 2, True), (7, 3, True), (1, 3, True)])
def test_cache_in_registers_folds(lanes, repeats, initial):
    cache("registers", 5, 3, lanes=lanes, repeats=repeats, initial=initial)


@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("taps", [2, 3, 5])
def test_cache_in_memory(taps, dilation):
    cache("memory", 1 + (taps + dilation) % 4, taps, dilation)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_cache_in_memory_of_one_tap(channels):
    cache("memory", channels, 1, 7)


@pytest.mark.parametrize(
    "channels,taps,dilation,lanes,repeats,width",
    [(5, 3, 3, 2, 1, 16), (20, 2, 2, 4, 3, 16), (4, 4, 7, 4, 2, 8), (3, 2, 4, 5, 4, 12), (16, 3, 1, 1, 2, 16)],
)
def test_cache_in_memory_folds(channels, taps, dilation, lanes, repeats, width):
    cache("memory", channels, taps, dilation, lanes, repeats, width, initial=True)


@pytest.mark.parametrize("storage", ["registers", "memory"])
def test_cache_bench_sees_a_wrong_initial_sample(storage):
    with pytest.raises(BenchError, match="sample 0"):
        cache(storage, 3, 2, initial=True, corrupt=1)


# row_by_matrix_multiply and conv1d


def matrix(rows, columns, input_lanes=1, output_lanes=1, width=16, weight_width=16, bias=True, corrupt=False, zeros=0):
    rng = np.random.default_rng(rows + columns)
    least, greatest = signed_range(weight_width)
    weights = rng.integers(least, greatest + 1, (rows, columns))
    weights[:, 0] = least
    added = rng.integers(-(2**width), 2**width, columns) if bias else np.zeros(columns, int)
    acc_width = accumulator_width(weights << zeros, added, width)
    lines = weight_words(weights, input_lanes, output_lanes, weight_width)
    if corrupt:
        lines[-1] = f"{int(lines[-1], 16) ^ 1:0{len(lines[-1])}x}"
    parameters = {
        "WIDTH": width,
        "WEIGHT_WIDTH": weight_width,
        "ACC_WIDTH": acc_width,
        "SUM_SHIFT": zeros,
        "ROWS": rows,
        "COLUMNS": columns,
        "INPUT_LANES": input_lanes,
        "OUTPUT_LANES": output_lanes,
        "WEIGHTS_FILE": "weights.hex",
        "BIAS_FILE": "bias.hex" if bias else "",
    }
    files = {"weights.hex": lines, "bias.hex": bias_words(added, acc_width)}
    extra = {"weights": weights.tolist(), "bias": added.tolist()}
    simulate("row_by_matrix_multiply", parameters, files=files, extra=extra)


@pytest.mark.parametrize(
    "rows,columns,input_lanes,output_lanes",
    [
        (1, 1, 1, 1),
        (1, 5, 1, 4),
        (3, 4, 1, 4),
        (4, 16, 1, 4),
        (16, 4, 4, 2),
        (20, 5, 3, 2),
        (5, 20, 2, 16),
        (16, 16, 16, 16),
        (2, 3, 4, 5),
        (7, 1, 2, 1),
    ],
)
def test_matrix_shapes(rows, columns, input_lanes, output_lanes):
    matrix(rows, columns, input_lanes, output_lanes)


@pytest.mark.parametrize("width,weight_width,bias", [(8, 8, True), (16, 8, False), (12, 5, True), (24, 18, True)])
def test_matrix_widths(width, weight_width, bias):
    matrix(6, 5, 2, 3, width, weight_width, bias)


@pytest.mark.parametrize("zeros", [1, 13])
def test_matrix_adds_a_bias_that_is_finer_than_the_products(zeros):
    matrix(6, 5, 2, 3, weight_width=3, zeros=zeros)


def test_matrix_bench_sees_a_wrong_weight():
    with pytest.raises(BenchError, match="column"):
        matrix(6, 4, 2, 2, corrupt=True)


def conv1d(
    inputs,
    outputs,
    taps,
    dilation=1,
    input_lanes=1,
    output_lanes=1,
    rounding="half_even",
    relu=False,
    width=16,
    weight_width=16,
    output_width=16,
    initial=False,
    registers=4,
    rounds=2,
    corrupt=None,
    ecp5=False,
):
    rng = np.random.default_rng(inputs * 1000 + outputs * 100 + taps * 10 + dilation)
    least, greatest = signed_range(weight_width)
    weights = rng.integers(least, greatest + 1, (taps, inputs, outputs))
    weights[..., -1] >>= 4
    bias = rng.integers(-(2 ** (width + 4)), 2 ** (width + 4), outputs)
    first = rng.integers(*signed_range(width), inputs) if initial else np.zeros(inputs, int)
    rows = weights.reshape(-1, outputs)
    acc_width = accumulator_width(rows, bias, width)
    low, high = signed_range(output_width)
    files = {
        "weights.hex": weight_words(rows, input_lanes, output_lanes, weight_width, inputs),
        "bias.hex": bias_words(bias, acc_width),
        "initial.hex": initial_words(first, input_lanes, width),
    }
    if corrupt:
        files[corrupt][0] = f"{int(files[corrupt][0], 16) ^ 1 << (width - 1):0{len(files[corrupt][0])}x}"
    parameters = {
        "WIDTH": width,
        "WEIGHT_WIDTH": weight_width,
        "OUTPUT_WIDTH": output_width,
        "ACC_WIDTH": acc_width,
        "INPUTS": inputs,
        "OUTPUTS": outputs,
        "TAPS": taps,
        "DILATION": dilation,
        "INPUT_LANES": input_lanes,
        "OUTPUT_LANES": output_lanes,
        # Most outputs in range, the extremes beyond the clamps.
        "SHIFT": acc_width - output_width - 1,
        "ROUNDING": rounding,
        "LOW": 0 if relu else low,
        "HIGH": high,
        "REGISTER_WORDS": registers,
        "WEIGHTS_FILE": "weights.hex",
        "BIAS_FILE": "bias.hex",
        "INITIAL_FILE": "initial.hex" if initial else "",
    }
    extra = {"weights": weights.tolist(), "bias": bias.tolist(), "initial": first.tolist(), "rounds": rounds}
    sources = rtl_files()
    if ecp5:
        sources = [file for file in sources if file.name != "multiply.v"]
        sources += [RTL / "ecp5" / "multiply.v", SIM / "mult18x18d.v"]
    simulate("conv1d", parameters, files=files, extra=extra, sources=sources)


@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("taps", [1, 2, 4])
def test_conv1d_kernels(taps, dilation):
    conv1d(3, 2, taps, dilation, output_lanes=2, rounding=ROUNDINGS[(taps + dilation) % 3])


@pytest.mark.parametrize(
    "inputs,outputs,taps,dilation,output_lanes,relu",
    [(4, 16, 4, 1, 4, True), (16, 16, 4, 4, 16, True), (16, 4, 4, 16, 4, False)],
)
def test_conv1d_of_the_reference_network(inputs, outputs, taps, dilation, output_lanes, relu):
    conv1d(inputs, outputs, taps, dilation, 1, output_lanes, relu=relu, rounds=1)


@pytest.mark.parametrize(
    "inputs,outputs,taps,input_lanes,output_lanes",
    [
        (1, 1, 1, 1, 1),
        (1, 20, 1, 1, 16),
        (20, 1, 1, 1, 1),
        (4, 4, 1, 4, 4),
        (5, 4, 3, 2, 3),
        (16, 5, 2, 16, 2),
        (3, 5, 4, 4, 8),
        (1, 5, 3, 1, 2),
        (8, 6, 1, 4, 6),
    ],
)
def test_conv1d_folds(inputs, outputs, taps, input_lanes, output_lanes):
    # Either cache, one after the other.
    registers = 64 * (inputs % 2)
    conv1d(inputs, outputs, taps, 1, input_lanes, output_lanes, registers=registers, initial=taps > 1)


@pytest.mark.parametrize("width,weight_width,output_width", [(8, 8, 8), (16, 8, 16), (12, 18, 10), (8, 4, 24)])
def test_conv1d_widths(width, weight_width, output_width):
    conv1d(4, 3, 3, 2, 1, 3, "half_up", False, width, weight_width, output_width, initial=True, rounds=4)


@pytest.mark.parametrize("file", ["weights.hex", "bias.hex", "initial.hex"])
def test_conv1d_bench_sees_a_wrong_memory_file(file):
    with pytest.raises(BenchError, match="sample"):
        conv1d(3, 4, 3, 2, 1, 2, initial=True, corrupt=file)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100))
def test_conv1d_of_any_shape(seed):
    rng = np.random.default_rng(seed)
    shapes, lanes = (1, 2, 3, 4, 5, 7, 8, 13, 16, 20), (1, 2, 3, 4, 5, 16)
    conv1d(
        *(int(rng.choice(shapes)) for _ in range(2)),
        int(rng.integers(1, 6)),
        int(rng.choice((1, 2, 3, 4, 7, 16))),
        *(int(rng.choice(lanes)) for _ in range(2)),
        rounding=str(rng.choice(ROUNDINGS)),
        relu=bool(rng.integers(2)),
        width=int(rng.integers(2, 19)),
        weight_width=int(rng.integers(2, 19)),
        output_width=int(rng.integers(2, 19)),
        initial=bool(rng.integers(2)),
        registers=int(rng.choice((0, 64))),
        rounds=4,
    )
