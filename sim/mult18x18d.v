// Model of Lattice's MULT18X18D for simulation: signed, with the input and output registers on CLK0 and CE0.
// SPDX-License-Identifier: 0BSD
//
// Only what rtl/ecp5/multiply.v uses; any other setting stops the simulation.

`default_nettype none

module MULT18X18D #(
    // Clock of the register behind input A, or "NONE".
    parameter REG_INPUTA_CLK = "NONE",
    // Its clock enable.
    parameter REG_INPUTA_CE = "CE0",
    // Its reset.
    parameter REG_INPUTA_RST = "RST0",
    // Clock of the register behind input B, or "NONE".
    parameter REG_INPUTB_CLK = "NONE",
    // Its clock enable.
    parameter REG_INPUTB_CE = "CE0",
    // Its reset.
    parameter REG_INPUTB_RST = "RST0",
    // Clock of the register behind input C, or "NONE".
    parameter REG_INPUTC_CLK = "NONE",
    // Clock of the register inside the multiplier, or "NONE".
    parameter REG_PIPELINE_CLK = "NONE",
    // Clock of the register in front of the output, or "NONE".
    parameter REG_OUTPUT_CLK = "NONE",
    // Its clock enable.
    parameter REG_OUTPUT_CE = "CE0",
    // Its reset.
    parameter REG_OUTPUT_RST = "RST0",
    // Clock divider.
    parameter CLK0_DIV = "ENABLED",
    // Global reset.
    parameter GSR = "ENABLED",
    // Source of B.
    parameter SOURCEB_MODE = "B_SHIFT",
    // Kind of reset.
    parameter RESETMODE = "SYNC",
    // Pass the inputs through.
    parameter MULT_BYPASS = "DISABLED"
) (
    input  wire CLK0,
    input  wire CE0,
    input  wire RST0,
    input  wire SIGNEDA,
    input  wire SIGNEDB,
    input  wire SOURCEA,
    input  wire SOURCEB,
    input  wire A17, A16, A15, A14, A13, A12, A11, A10, A9,
                A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input  wire B17, B16, B15, B14, B13, B12, B11, B10, B9,
                B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input  wire C17, C16, C15, C14, C13, C12, C11, C10, C9,
                C8, C7, C6, C5, C4, C3, C2, C1, C0,
    output wire P35, P34, P33, P32, P31, P30, P29, P28, P27,
                P26, P25, P24, P23, P22, P21, P20, P19, P18,
                P17, P16, P15, P14, P13, P12, P11, P10, P9,
                P8, P7, P6, P5, P4, P3, P2, P1, P0
);

    wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9,
            A8, A7, A6, A5, A4, A3, A2, A1, A0};
    wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9,
            B8, B7, B6, B5, B4, B3, B2, B1, B0};
    reg signed [17:0] a_held;
    reg signed [17:0] b_held;
    reg signed [35:0] product;

    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27,
            P26, P25, P24, P23, P22, P21, P20, P19, P18,
            P17, P16, P15, P14, P13, P12, P11, P10, P9,
            P8, P7, P6, P5, P4, P3, P2, P1, P0} = product;

    initial
        if (REG_INPUTA_CLK != "CLK0" || REG_INPUTB_CLK != "CLK0" || REG_OUTPUT_CLK != "CLK0"
            || REG_INPUTA_CE != "CE0" || REG_INPUTB_CE != "CE0" || REG_OUTPUT_CE != "CE0"
            || REG_PIPELINE_CLK != "NONE" || MULT_BYPASS != "DISABLED") begin
            $display("MULT18X18D: settings that this model does not have");
            $finish;
        end

    always @(posedge CLK0)
        if (RST0) begin
            a_held  <= 18'd0;
            b_held  <= 18'd0;
            product <= 36'd0;
        end else if (CE0) begin
            a_held  <= a;
            b_held  <= b;
            product <= SIGNEDA && SIGNEDB && !SOURCEA && !SOURCEB ? a_held * b_held : 36'sbx;
        end

endmodule

`default_nettype wire
