// Causal dilated convolution over a stream: one sample in, one sample out, words of channels one after another.
// SPDX-License-Identifier: 0BSD
//
// y[t][o] = requantize(bias[o] + sum over k, c of weight[k][c][o] * x[t - (TAPS-1-k)*DILATION][c]), where
// samples from before reset read as INITIAL. TAPS = 1 is a dense layer over the channels. Streams carry one
// word per transfer, channel 0 first, `last` with the last channel.
//
// Taking a sample, multiplying the one before it and sending the results of an earlier one overlap. With
// STEPS = TAPS * ceil(INPUTS/INPUT_LANES) and PASSES = ceil(OUTPUTS/OUTPUT_LANES), a sample takes
//
//     max(INPUTS, sum over passes of max(STEPS, columns of that pass))
//
// cycles; a pass has OUTPUT_LANES columns, the last one what is left of OUTPUTS. It has INPUT_LANES *
// OUTPUT_LANES multipliers.
//
// The rows of the matrix are the taps, oldest first, and in each tap the channels, padded to a multiple of
// INPUT_LANES: element c of tap k is row k * ceil(INPUTS/INPUT_LANES) * INPUT_LANES + c. The layout of the files
// stands in row_by_matrix_multiply.v and activation_cache.v.

`default_nettype none

module conv1d #(
    // Bits of an input word, signed.
    parameter WIDTH = 16,
    // Bits of a weight, signed.
    parameter WEIGHT_WIDTH = 16,
    // Bits of an output word, signed.
    parameter OUTPUT_WIDTH = 16,
    // Bits of a sum, bias included: enough for every input, or sums wrap.
    parameter ACC_WIDTH = 40,
    // Zeros behind a sum of products before the bias is added: y = requantize(bias + sum * 2**SUM_SHIFT).
    parameter SUM_SHIFT = 0,
    // Channels of the input.
    parameter INPUTS = 4,
    // Channels of the output.
    parameter OUTPUTS = 4,
    // Samples that meet the kernel.
    parameter TAPS = 4,
    // Distance of two of them.
    parameter DILATION = 1,
    // Input channels multiplied in each cycle.
    parameter INPUT_LANES = 1,
    // Output channels summed at once.
    parameter OUTPUT_LANES = 1,
    // Fraction bits that the output has less than the sums.
    parameter SHIFT = 12,
    // "floor", "half_up" or "half_even".
    parameter ROUNDING = "half_even",
    // Least output.
    parameter signed [31:0] LOW = -32'sd32768,
    // Greatest output.
    parameter signed [31:0] HIGH = 32'sd32767,
    // Windows of at most this many words sit in flip-flops when DILATION is 1, larger ones in memory.
    parameter REGISTER_WORDS = 4,
    // Hexadecimal file of the weights; "" for zeros.
    parameter WEIGHTS_FILE = "",
    // Hexadecimal file of the bias; "" for none.
    parameter BIAS_FILE = "",
    // Hexadecimal file of the sample before the first one; "" for zeros.
    parameter INITIAL_FILE = "",
    // Memory for the weights: "block", "logic" (look-up tables), or "auto" for the choice of the synthesis.
    parameter WEIGHTS_STYLE = "block"
) (
    input  wire                      clk,
    input  wire                      rst,
    input  wire [       WIDTH-1 : 0] s_data,
    // The last channel.
    input  wire                      s_last,
    input  wire                      s_valid,
    output wire                      s_ready,
    output wire [OUTPUT_WIDTH-1 : 0] m_data,
    // The last channel.
    output wire                      m_last,
    output wire                      m_valid,
    input  wire                      m_ready
);

    localparam STEPS = (INPUTS + INPUT_LANES - 1) / INPUT_LANES;
    localparam PASSES = (OUTPUTS + OUTPUT_LANES - 1) / OUTPUT_LANES;

    wire [INPUT_LANES*WIDTH-1:0] row_data;
    wire row_last;
    wire row_valid;
    wire row_ready;

    activation_cache #(
        .WIDTH       (WIDTH),
        .CHANNELS    (INPUTS),
        .TAPS        (TAPS),
        .DILATION    (DILATION),
        .LANES       (INPUT_LANES),
        .REPEATS     (PASSES),
        .STORAGE     (DILATION == 1 && TAPS * STEPS * INPUT_LANES <= REGISTER_WORDS ? "registers" : "memory"),
        .INITIAL_FILE(INITIAL_FILE)
    ) activation_cache (
        .clk    (clk),
        .rst    (rst),
        .s_data (s_data),
        .s_last (s_last),
        .s_valid(s_valid),
        .s_ready(s_ready),
        .m_data (row_data),
        .m_last (row_last),
        .m_valid(row_valid),
        .m_ready(row_ready)
    );

    wire [ACC_WIDTH-1:0] sum_data;
    wire sum_last;
    wire sum_valid;
    wire sum_ready;

    row_by_matrix_multiply #(
        .WIDTH        (WIDTH),
        .WEIGHT_WIDTH (WEIGHT_WIDTH),
        .ACC_WIDTH    (ACC_WIDTH),
        .SUM_SHIFT    (SUM_SHIFT),
        .ROWS         (TAPS * STEPS * INPUT_LANES),
        .COLUMNS      (OUTPUTS),
        .INPUT_LANES  (INPUT_LANES),
        .OUTPUT_LANES (OUTPUT_LANES),
        .WEIGHTS_FILE (WEIGHTS_FILE),
        .BIAS_FILE    (BIAS_FILE),
        .WEIGHTS_STYLE(WEIGHTS_STYLE)
    ) row_by_matrix_multiply (
        .clk    (clk),
        .rst    (rst),
        .s_data (row_data),
        .s_last (row_last),
        .s_valid(row_valid),
        .s_ready(row_ready),
        .m_data (sum_data),
        .m_last (sum_last),
        .m_valid(sum_valid),
        .m_ready(sum_ready)
    );

    requantize #(
        .IN_WIDTH (ACC_WIDTH),
        .OUT_WIDTH(OUTPUT_WIDTH),
        .SHIFT    (SHIFT),
        .ROUNDING (ROUNDING),
        .LOW      (LOW),
        .HIGH     (HIGH)
    ) requantize (
        .clk    (clk),
        .rst    (rst),
        .s_data (sum_data),
        .s_last (sum_last),
        .s_valid(sum_valid),
        .s_ready(sum_ready),
        .m_data (m_data),
        .m_last (m_last),
        .m_valid(m_valid),
        .m_ready(m_ready)
    );

endmodule

`default_nettype wire
