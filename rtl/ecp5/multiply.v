// Signed multiplier with registered factors and a registered product, on the registers of a MULT18X18D.
// SPDX-License-Identifier: 0BSD
//
// Takes the place of ../multiply.v on ECP5, cycle for cycle: inference leaves the registers inside the
// multiplier unused, which costs one flip-flop for each bit of the factors and of the product, and speed.
// Factors wider than 18 bits are left to inference after all.

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
    output wire signed [A_WIDTH+B_WIDTH - 1 : 0] product
);

    localparam WIDTH = A_WIDTH + B_WIDTH;

    generate
        if (A_WIDTH <= 18 && B_WIDTH <= 18) begin : dedicated
            wire [17:0] a_18 = {{19 - A_WIDTH{a[A_WIDTH-1]}}, a[A_WIDTH-2:0]};
            wire [17:0] b_18 = {{19 - B_WIDTH{b[B_WIDTH-1]}}, b[B_WIDTH-2:0]};
            // verilator lint_off UNUSEDSIGNAL
            wire [35:0] p;
            // verilator lint_on UNUSEDSIGNAL
            assign product = p[WIDTH-1:0];

            MULT18X18D #(
                .REG_INPUTA_CLK ("CLK0"),
                .REG_INPUTA_CE  ("CE0"),
                .REG_INPUTA_RST ("RST0"),
                .REG_INPUTB_CLK ("CLK0"),
                .REG_INPUTB_CE  ("CE0"),
                .REG_INPUTB_RST ("RST0"),
                .REG_INPUTC_CLK ("NONE"),
                .REG_PIPELINE_CLK("NONE"),
                .REG_OUTPUT_CLK ("CLK0"),
                .REG_OUTPUT_CE  ("CE0"),
                .REG_OUTPUT_RST ("RST0"),
                .CLK0_DIV       ("ENABLED"),
                .GSR            ("DISABLED"),
                .SOURCEB_MODE   ("B_SHIFT"),
                .RESETMODE      ("SYNC"),
                .MULT_BYPASS    ("DISABLED")
            ) mult18x18d (
                .CLK0(clk), .CE0(enable), .RST0(1'b0),
                .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0),
                .A0(a_18[0]), .A1(a_18[1]), .A2(a_18[2]), .A3(a_18[3]), .A4(a_18[4]), .A5(a_18[5]),
                .A6(a_18[6]), .A7(a_18[7]), .A8(a_18[8]), .A9(a_18[9]), .A10(a_18[10]), .A11(a_18[11]),
                .A12(a_18[12]), .A13(a_18[13]), .A14(a_18[14]), .A15(a_18[15]), .A16(a_18[16]), .A17(a_18[17]),
                .B0(b_18[0]), .B1(b_18[1]), .B2(b_18[2]), .B3(b_18[3]), .B4(b_18[4]), .B5(b_18[5]),
                .B6(b_18[6]), .B7(b_18[7]), .B8(b_18[8]), .B9(b_18[9]), .B10(b_18[10]), .B11(b_18[11]),
                .B12(b_18[12]), .B13(b_18[13]), .B14(b_18[14]), .B15(b_18[15]), .B16(b_18[16]), .B17(b_18[17]),
                .C0(1'b0), .C1(1'b0), .C2(1'b0), .C3(1'b0), .C4(1'b0), .C5(1'b0),
                .C6(1'b0), .C7(1'b0), .C8(1'b0), .C9(1'b0), .C10(1'b0), .C11(1'b0),
                .C12(1'b0), .C13(1'b0), .C14(1'b0), .C15(1'b0), .C16(1'b0), .C17(1'b0),
                .P0(p[0]), .P1(p[1]), .P2(p[2]), .P3(p[3]), .P4(p[4]), .P5(p[5]),
                .P6(p[6]), .P7(p[7]), .P8(p[8]), .P9(p[9]), .P10(p[10]), .P11(p[11]),
                .P12(p[12]), .P13(p[13]), .P14(p[14]), .P15(p[15]), .P16(p[16]), .P17(p[17]),
                .P18(p[18]), .P19(p[19]), .P20(p[20]), .P21(p[21]), .P22(p[22]), .P23(p[23]),
                .P24(p[24]), .P25(p[25]), .P26(p[26]), .P27(p[27]), .P28(p[28]), .P29(p[29]),
                .P30(p[30]), .P31(p[31]), .P32(p[32]), .P33(p[33]), .P34(p[34]), .P35(p[35])
            );
        end else begin : inferred
            reg signed [A_WIDTH-1:0] a_held;
            reg signed [B_WIDTH-1:0] b_held;
            reg signed [WIDTH-1:0] held;

            wire signed [WIDTH-1:0] a_wide = {{B_WIDTH{a_held[A_WIDTH-1]}}, a_held};
            wire signed [WIDTH-1:0] b_wide = {{A_WIDTH{b_held[B_WIDTH-1]}}, b_held};

            always @(posedge clk)
                if (enable) begin
                    a_held <= a;
                    b_held <= b;
                    held   <= a_wide * b_wide;
                end

            assign product = held;
        end
    endgenerate

endmodule

`default_nettype wire
