// Signed multiplier with registered factors and a registered product: portable, left to inference.
// SPDX-License-Identifier: 0BSD
//
// ecp5/multiply.v is the same module on the registers inside a MULT18X18D; a design reads one of the two.

`default_nettype none

module multiply #(
    // Bits of the first factor.
    parameter A_WIDTH = 16,
    // Bits of the second factor.
    parameter B_WIDTH = 16
) (
    input  wire                                  clk,
    // Low freezes both stages.
    input  wire                                  enable,
    input  wire signed [        A_WIDTH - 1 : 0] a,
    input  wire signed [        B_WIDTH - 1 : 0] b,
    output reg  signed [A_WIDTH+B_WIDTH - 1 : 0] product
);

    localparam WIDTH = A_WIDTH + B_WIDTH;

    reg signed [A_WIDTH-1:0] a_held;
    reg signed [B_WIDTH-1:0] b_held;

    // Widened by hand: the product has the width of its result, so that no tool has to guess.
    wire signed [WIDTH-1:0] a_wide = {{B_WIDTH{a_held[A_WIDTH-1]}}, a_held};
    wire signed [WIDTH-1:0] b_wide = {{A_WIDTH{b_held[B_WIDTH-1]}}, b_held};

    // Pure data: whoever uses the product carries its own valid flag, so nothing here needs a reset.
    always @(posedge clk)
        if (enable) begin
            a_held  <= a;
            b_held  <= b;
            product <= a_wide * b_wide;
        end

endmodule

`default_nettype wire
