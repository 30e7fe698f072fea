// Order in which a cache is read: for every sample REPEATS times its window, oldest tap first.
// SPDX-License-Identifier: 0BSD
//
// Counts samples in and words out; where the words are stored is the business of the cache around it.
// Taps from before the first sample since reset are reported, so that no cache ever has to be cleared.

`default_nettype none

module window_sequencer #(
    // Words that hold one sample.
    parameter STEPS = 4,
    // Samples in a window.
    parameter TAPS = 4,
    // Distance of two taps, in samples.
    parameter DILATION = 1,
    // Times that every window is read.
    parameter REPEATS = 1,
    // Bits of `step`; at least 1.
    parameter STEP_BITS = STEPS > 1 ? $clog2(STEPS) : 1
) (
    input  wire                   clk,
    input  wire                   rst,
    // The last word of a sample is stored in this cycle.
    input  wire                   stored,
    // One sample is being read and the next one is complete: nothing more may be stored.
    output wire                   full,
    // There is a word to read.
    output wire                   available,
    // It is read in this cycle.
    input  wire                   read,
    // Position of that word in its sample.
    output wire [STEP_BITS-1 : 0] step,
    // It is the last word of its tap.
    output wire                   tap_end,
    // It is the last word of the window.
    output wire                   window_end,
    // The window is not read again.
    output wire                   sample_end,
    // It belongs to a sample from before the first one.
    output wire                   missing
);

    localparam TAP_BITS = TAPS > 1 ? $clog2(TAPS) : 1;
    localparam [31:0] PAST_TAPS = TAPS - 1;

    wire [TAP_BITS-1:0] tap;
    wire tap_last;
    wire repeat_last;

    assign window_end = tap_end && tap_last;
    assign sample_end = window_end && repeat_last;

    counter #(
        .MODULUS(STEPS)
    ) step_counter (
        .clk    (clk),
        .rst    (rst),
        .advance(read),
        .value  (step),
        .last   (tap_end)
    );

    counter #(
        .MODULUS(TAPS)
    ) tap_counter (
        .clk    (clk),
        .rst    (rst),
        .advance(read && tap_end),
        .value  (tap),
        .last   (tap_last)
    );

    // verilator lint_off PINCONNECTEMPTY
    counter #(
        .MODULUS(REPEATS)
    ) repeat_counter (
        .clk    (clk),
        .rst    (rst),
        .advance(read && window_end),
        .value  (),
        .last   (repeat_last)
    );
    // verilator lint_on PINCONNECTEMPTY

    // Complete samples that still have words to read: none, one or two.
    reg  [1:0] samples;
    wire finished = read && sample_end;

    assign available = samples != 2'd0;
    assign full = samples[1];

    always @(posedge clk)
        if (rst) samples <= 2'd0;
        else if (stored && !finished) samples <= samples + 2'd1;
        else if (finished && !stored) samples <= samples - 2'd1;

    // Of the taps into the past, one more is there after every DILATION samples.
    reg [TAP_BITS-1:0] taps_missing;
    wire phase_last;

    assign missing = tap < taps_missing;

    // verilator lint_off PINCONNECTEMPTY
    counter #(
        .MODULUS(DILATION)
    ) phase_counter (
        .clk    (clk),
        .rst    (rst),
        .advance(finished),
        .value  (),
        .last   (phase_last)
    );
    // verilator lint_on PINCONNECTEMPTY

    always @(posedge clk)
        if (rst) taps_missing <= PAST_TAPS[TAP_BITS-1:0];
        else if (finished && phase_last && taps_missing != {TAP_BITS{1'b0}}) taps_missing <= taps_missing - 1'b1;

endmodule

`default_nettype wire
