"""The network bench on three chained layers, written by hand: the reference shape, 24 multipliers, 64 cycles."""

import numpy as np
import pytest

from compiler.fpga.memory import bias_words, weight_words
from sim.exact import accumulator_width, convolve, requantize
from sim.network import run_network
from sim.runner import RTL, BenchError, SimulationError, rtl_files

# inputs, outputs, dilation, columns at once, least output
LAYERS = [(4, 16, 1, 4, 0), (16, 16, 4, 16, 0), (16, 4, 16, 4, -32768)]
TAPS = 4
WORDS = {"input_width": 16, "output_width": 16}


def layer(index, inputs, outputs, dilation, lanes, low, acc_width):
    source = "s_axis_t" if index == 0 else f"layer_{index - 1}_"
    sink = "m_axis_t" if index == 2 else f"layer_{index}_"
    wires = f"""
    wire [15:0] {sink}data;
    wire {sink}last, {sink}valid, {sink}ready;"""
    ports = [
        f".{end}_{p}({name}{p})"
        for end, name in (("s", source), ("m", sink))
        for p in ("data", "last", "valid", "ready")
    ]
    return f"""{"" if index == 2 else wires}
    conv1d #(
        .ACC_WIDTH({acc_width}), .INPUTS({inputs}), .OUTPUTS({outputs}), .TAPS({TAPS}), .DILATION({dilation}),
        .OUTPUT_LANES({lanes}), .SHIFT(12), .ROUNDING("half_even"), .LOW({"-32'sd32768" if low else "32'sd0"}),
        .WEIGHTS_FILE({{MEM_DIR, "/weights_{index}.hex"}}), .BIAS_FILE({{MEM_DIR, "/bias_{index}.hex"}})
    ) conv_{index} (.clk(clk), .rst(rst), {", ".join(ports)});
"""


TOP = """`default_nettype none
module three_layers #(parameter MEM_DIR = ".") (
    input wire clk, input wire rst,
    input wire [15:0] s_axis_tdata, input wire s_axis_tlast, input wire s_axis_tvalid, output wire s_axis_tready,
    output wire [15:0] m_axis_tdata, output wire m_axis_tlast, output wire m_axis_tvalid, input wire m_axis_tready
);
%s
endmodule
`default_nettype wire
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A folder with the network, 2,000 samples, and the outputs of its three layers."""
    folder = tmp_path_factory.mktemp("network")
    rng = np.random.default_rng(0)
    x = rng.integers(-32768, 32768, (2000, 4))
    text, values, stages = "", x, []
    for index, (inputs, outputs, dilation, lanes, low) in enumerate(LAYERS):
        weights = rng.integers(-1000, 1000, (TAPS, inputs, outputs))
        bias = rng.integers(-(2**24), 2**24, outputs)
        rows = weights.reshape(-1, outputs)
        acc_width = accumulator_width(rows, bias, 16)
        lines = weight_words(rows, 1, lanes, 16, inputs), bias_words(bias, acc_width)
        for name, content in zip(("weights", "bias"), lines, strict=True):
            (folder / f"{name}_{index}.hex").write_text("\n".join(content) + "\n")
        text += layer(index, inputs, outputs, dilation, lanes, low, acc_width)
        sums = convolve(values, weights, bias, dilation, np.zeros(inputs, int))
        values = requantize(sums, 12, "half_even", low, 32767)
        stages.append(values)
    (folder / "three_layers.v").write_text(TOP % text)
    (folder / "three_layers.f").write_text("\n".join(["three_layers.v", *map(str, rtl_files())]) + "\n")
    return folder, x, stages


def test_full_speed_is_64_cycles_a_sample(network):
    folder, x, stages = network
    run = run_network(folder, "three_layers", x, outputs=4, stages={"conv_0": 16, "conv_1": 16, "conv_2": 4}, **WORDS)
    for name, want in zip(("conv_0", "conv_1", "conv_2"), stages, strict=True):
        np.testing.assert_array_equal(run.stages[name], want)
    np.testing.assert_array_equal(run.y, stages[-1])
    assert run.cycles_per_sample == 64
    assert run.latency_cycles < 4 * 64
    # Most values of the test are neither zero nor clamped, or it would prove little.
    assert np.mean((stages[0] > 0) & (stages[0] < 32767)) > 0.3
    assert np.mean(np.abs(stages[2]) < 32767) > 0.3


def test_stalls_change_nothing(network):
    folder, x, stages = network
    for stall, seed in ((0.3, 1), (0.95, 2)):
        run = run_network(folder, "three_layers", x[:400], outputs=4, stall=stall, seed=seed, **WORDS)
        np.testing.assert_array_equal(run.y, stages[-1][:400])
        assert run.cycles_per_sample is None


def test_a_single_sample(network):
    folder, x, stages = network
    run = run_network(folder, "three_layers", x[:1], outputs=4, **WORDS)
    np.testing.assert_array_equal(run.y, stages[-1][:1])
    assert run.cycles_per_sample is None


def test_a_wrong_weight_shows_in_its_layer(network, tmp_path):
    folder, x, stages = network
    for file in folder.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    weights = (folder / "weights_1.hex").read_text().splitlines()
    weights[40] = f"{int(weights[40], 16) ^ 1 << 14:0{len(weights[40])}x}"
    (tmp_path / "weights_1.hex").write_text("\n".join(weights) + "\n")
    run = run_network(tmp_path, "three_layers", x[:50], outputs=4, stages={"conv_0": 16, "conv_1": 16}, **WORDS)
    np.testing.assert_array_equal(run.stages["conv_0"], stages[0][:50])
    assert (run.stages["conv_1"] != stages[1][:50]).any()


def test_a_wrong_number_of_channels_fails(network):
    folder, x, _ = network
    with pytest.raises(BenchError, match="came out"):
        run_network(folder, "three_layers", x[:20], outputs=3, patience=1000, **WORDS)


def test_verilog_that_does_not_compile(network, tmp_path):
    _, x, _ = network
    (tmp_path / "three_layers.f").write_text(f"{RTL / 'requantize.v'}\n")
    with pytest.raises(SimulationError, match="three_layers"):
        run_network(tmp_path, "three_layers", x[:2], outputs=4, **WORDS)
