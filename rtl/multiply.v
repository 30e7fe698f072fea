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

    reg signed [A_WIDTH-1:0] a_held;
    reg signed [B_WIDTH-1:0] b_held;

    // Pure data: whoever uses the product carries its own valid flag, so nothing here needs a reset.
    // verilator lint_off WIDTH
    always @(posedge clk)
        if (enable) begin
            a_held  <= a;
            b_held  <= b;
            product <= a_held * b_held;
        end
    // verilator lint_on WIDTH

endmodule

`default_nettype wire
