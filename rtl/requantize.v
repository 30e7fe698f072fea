// Accumulator to output word: arithmetic shift with rounding, then one clamp; two stages, a word a cycle.
// SPDX-License-Identifier: 0BSD
//
// Saturation and relu are the same clamp: LOW = 0 is relu. Every output lies in [LOW, HIGH], for every input.

`default_nettype none

module requantize #(
    // Bits of the input, signed.
    parameter IN_WIDTH = 40,
    // Bits of the output, signed, at most 32.
    parameter OUT_WIDTH = 16,
    // Fraction bits to drop; 0 keeps all, a negative number shifts left.
    parameter SHIFT = 12,
    // "floor"; "half_up": to nearest, ties towards +infinity; "half_even": to nearest, ties to the even one.
    parameter ROUNDING = "half_even",
    // Least output.
    parameter signed [31:0] LOW = -32'sd32768,
    // Greatest output.
    parameter signed [31:0] HIGH = 32'sd32767
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [ IN_WIDTH-1 : 0] s_data,
    input  wire                   s_last,
    input  wire                   s_valid,
    output wire                   s_ready,
    output reg  [OUT_WIDTH-1 : 0] m_data,
    output reg                    m_last,
    output reg                    m_valid,
    input  wire                   m_ready
);

    // A shift beyond the input's width leaves its sign.
    localparam EXTENDED = SHIFT + 1 > IN_WIDTH ? SHIFT + 1 : IN_WIDTH;
    // One bit more than the shifted input, for the carry of rounding up.
    localparam VALUE_WIDTH = EXTENDED - SHIFT + 1;

    wire signed [EXTENDED:0] extended = {{EXTENDED + 1 - IN_WIDTH{s_data[IN_WIDTH-1]}}, s_data};
    wire signed [VALUE_WIDTH-1:0] shifted;
    wire round_up;

    generate
        if (SHIFT <= 0) begin : left
            assign shifted  = {{VALUE_WIDTH - EXTENDED - 1{extended[EXTENDED]}}, extended} << -SHIFT;
            assign round_up = 1'b0;
        end else begin : right
            // Rounding to nearest is the floor plus one bit, for negative inputs too.
            wire half = extended[SHIFT-1];
            assign shifted = extended[EXTENDED:SHIFT];
            if (ROUNDING == "floor") begin : floor
                assign round_up = 1'b0;
            end else if (ROUNDING == "half_up") begin : half_up
                assign round_up = half;
            end else if (ROUNDING == "half_even") begin : half_even
                if (SHIFT == 1) begin : tie
                    assign round_up = half && shifted[0];
                end else begin : tie_or_more
                    assign round_up = half && (shifted[0] || |extended[SHIFT-2:0]);
                end
            end else begin : unknown
                // An undefined module: the only error that Verilog-2005 can raise while it elaborates.
                ROUNDING_must_be_floor_half_up_or_half_even error ();
            end
        end
    endgenerate

    // One enable for both stages: a bubble in the second stage is filled from the first.
    wire advance = !m_valid || m_ready;
    assign s_ready = advance;

    reg signed [VALUE_WIDTH-1:0] value;
    reg value_last;
    reg value_valid;

    always @(posedge clk)
        if (advance) begin
            value      <= shifted + {{VALUE_WIDTH - 1{1'b0}}, round_up};
            value_last <= s_last;
        end

    // value < LOW is the same as ~value > ~LOW.
    wire above;
    wire below;

    exceeds #(
        .WIDTH(VALUE_WIDTH),
        .BOUND(HIGH)
    ) exceeds_high (
        .value (value),
        .result(above)
    );

    exceeds #(
        .WIDTH(VALUE_WIDTH),
        .BOUND(~LOW)
    ) exceeds_low (
        .value (~value),
        .result(below)
    );

    wire [OUT_WIDTH-1:0] low_bits;
    generate
        if (VALUE_WIDTH < OUT_WIDTH) begin : extend
            assign low_bits = {{OUT_WIDTH - VALUE_WIDTH{value[VALUE_WIDTH-1]}}, value};
        end else begin : exact
            assign low_bits = value[OUT_WIDTH-1:0];
        end
    endgenerate

    always @(posedge clk)
        if (advance) begin
            m_data <= below ? LOW[OUT_WIDTH-1:0] : above ? HIGH[OUT_WIDTH-1:0] : low_bits;
            m_last <= value_last;
        end

    always @(posedge clk)
        if (rst) begin
            value_valid <= 1'b0;
            m_valid     <= 1'b0;
        end else if (advance) begin
            value_valid <= s_valid;
            m_valid     <= value_valid;
        end

endmodule

`default_nettype wire
