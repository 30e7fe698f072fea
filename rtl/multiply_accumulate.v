// Datapath of one sum of products: LANES multipliers, their adder tree, an accumulator and the last total.
// SPDX-License-Identifier: 0BSD
//
// Whoever drives it keeps count of the pipeline: a pair presented in an enabled cycle is at the accumulator
// 2 + $clog2(LANES) enabled cycles later. `accumulate` adds it; `close` instead sends the sum that includes it
// to `total` and returns the accumulator to zero, so that the next sum begins without a cycle in between and
// without a multiplexer in front of the adder. The first sum of all needs a `close` before it.

`default_nettype none

module multiply_accumulate #(
    // Bits of a row element, signed.
    parameter WIDTH = 16,
    // Bits of a weight, signed.
    parameter WEIGHT_WIDTH = 16,
    // Bits of the sum, exact modulo 2**ACC_WIDTH.
    parameter ACC_WIDTH = 40,
    // Pairs multiplied in each cycle.
    parameter LANES = 1
) (
    input  wire                            clk,
    // Low freezes multipliers and adder tree.
    input  wire                            enable,
    // Lane i in bits [i*WIDTH +: WIDTH].
    input  wire [       LANES*WIDTH-1 : 0] row,
    // Lane i in bits [i*WEIGHT_WIDTH +: WEIGHT_WIDTH].
    input  wire [LANES*WEIGHT_WIDTH-1 : 0] weights,
    // Add the pairs that have arrived at the accumulator.
    input  wire                            accumulate,
    // Add them as the last ones of this sum.
    input  wire                            close,
    output reg  [         ACC_WIDTH-1 : 0] total
);

    localparam PRODUCT_WIDTH = WIDTH + WEIGHT_WIDTH;
    localparam SUM_WIDTH = PRODUCT_WIDTH + $clog2(LANES);

    wire [LANES*PRODUCT_WIDTH-1:0] products;
    wire signed [SUM_WIDTH-1:0] sum;

    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : lane
            multiply #(
                .A_WIDTH(WIDTH),
                .B_WIDTH(WEIGHT_WIDTH)
            ) multiply (
                .clk    (clk),
                .enable (enable),
                .a      (row[i*WIDTH+:WIDTH]),
                .b      (weights[i*WEIGHT_WIDTH+:WEIGHT_WIDTH]),
                .product(products[i*PRODUCT_WIDTH+:PRODUCT_WIDTH])
            );
        end

        if (LANES == 1) begin : single
            assign sum = products;
        end else begin : several
            adder_tree #(
                .LANES(LANES),
                .WIDTH(PRODUCT_WIDTH)
            ) adder_tree (
                .clk   (clk),
                .enable(enable),
                .values(products),
                .sum   (sum)
            );
        end
    endgenerate

    reg signed [ACC_WIDTH-1:0] accumulator;
    // An accumulator proven narrower than the sum of one cycle needs only its low bits.
    // verilator lint_off WIDTH
    wire signed [ACC_WIDTH-1:0] next = accumulator + sum;
    // verilator lint_on WIDTH

    // Written so that the reset of the flip-flops clears the accumulator, which costs no logic.
    always @(posedge clk) begin
        if (close) total <= next;
        if (close) accumulator <= {ACC_WIDTH{1'b0}};
        else if (accumulate) accumulator <= next;
    end

endmodule

`default_nettype wire
