// A network as a chain of stages: a stream of samples in, a stream of samples out.
// SPDX-License-Identifier: 0BSD
//
// The banner of a build stands here.
//
// In: 2 words of 16 bits with 15 behind the point. Out: 1 words of 16 bits with 14 behind the point.
// One word a transfer, channel 0 first, `tlast` with the last channel. Reset is synchronous and active high;
// after it every memory of the past holds its first value. MEM_DIR is where the .hex files are.

`default_nettype none

module convolved #(
    // Folder of the memory files.
    parameter MEM_DIR = "."
) (
    input  wire clk,
    input  wire rst,
    input  wire [15:0] s_axis_tdata,
    input  wire s_axis_tlast,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    output wire [15:0] m_axis_tdata,
    output wire m_axis_tlast,
    output wire m_axis_tvalid,
    input  wire m_axis_tready
);

    wire [15:0] x1_data;
    wire x1_last;
    wire x1_valid;
    wire x1_ready;
    // 2 taps, 3 apart; 1 multipliers, 12 cycles a sample.
    conv1d #(
        .WIDTH(16),
        .WEIGHT_WIDTH(4),
        .OUTPUT_WIDTH(16),
        .ACC_WIDTH(33),
        .SUM_SHIFT(12),
        .INPUTS(2),
        .OUTPUTS(3),
        .TAPS(2),
        .DILATION(3),
        .INPUT_LANES(1),
        .OUTPUT_LANES(1),
        .SHIFT(17),
        .ROUNDING("floor"),
        .LOW(0),
        .HIGH(32767),
        .WEIGHTS_FILE({MEM_DIR, "/convolved_conv_weights.hex"}),
        .BIAS_FILE({MEM_DIR, "/convolved_conv_bias.hex"}),
        .INITIAL_FILE("")
    ) stage_conv (
        .clk(clk),
        .rst(rst),
        .s_data(s_axis_tdata),
        .s_last(s_axis_tlast),
        .s_valid(s_axis_tvalid),
        .s_ready(s_axis_tready),
        .m_data(x1_data),
        .m_last(x1_last),
        .m_valid(x1_valid),
        .m_ready(x1_ready)
    );

    // 1 taps, 1 apart; 1 multipliers, 3 cycles a sample.
    conv1d #(
        .WIDTH(16),
        .WEIGHT_WIDTH(4),
        .OUTPUT_WIDTH(16),
        .ACC_WIDTH(32),
        .SUM_SHIFT(12),
        .INPUTS(3),
        .OUTPUTS(1),
        .TAPS(1),
        .DILATION(1),
        .INPUT_LANES(1),
        .OUTPUT_LANES(1),
        .SHIFT(14),
        .ROUNDING("floor"),
        .LOW(-32768),
        .HIGH(32767),
        .WEIGHTS_FILE({MEM_DIR, "/convolved_out_weights.hex"}),
        .BIAS_FILE({MEM_DIR, "/convolved_out_bias.hex"}),
        .INITIAL_FILE("")
    ) stage_out (
        .clk(clk),
        .rst(rst),
        .s_data(x1_data),
        .s_last(x1_last),
        .s_valid(x1_valid),
        .s_ready(x1_ready),
        .m_data(m_axis_tdata),
        .m_last(m_axis_tlast),
        .m_valid(m_axis_tvalid),
        .m_ready(m_axis_tready)
    );

endmodule

`default_nettype wire
