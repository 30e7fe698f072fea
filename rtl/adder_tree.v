// Sum of LANES signed values in a tree of two-input adders with a register after each level.
// SPDX-License-Identifier: 0BSD
//
// The latency is $clog2(LANES) enabled cycles.

`default_nettype none

module adder_tree #(
    // Values to add, at least 2.
    parameter LANES = 4,
    // Bits of each value.
    parameter WIDTH = 32
) (
    input  wire                            clk,
    // Low freezes every level.
    input  wire                            enable,
    // Value i in bits [i*WIDTH +: WIDTH].
    input  wire [       LANES*WIDTH-1 : 0] values,
    output wire [WIDTH+$clog2(LANES)-1 : 0] sum
);

    localparam LEVELS = $clog2(LANES);

    genvar l, i;
    generate
        for (l = 0; l <= LEVELS; l = l + 1) begin : level
            // Every level halves the number of values, rounding up, and adds one bit to each.
            localparam COUNT = (LANES + (1 << l) - 1) >> l;
            localparam BITS = WIDTH + l;
            wire [COUNT*BITS-1:0] data;

            if (l == 0) begin : leaves
                assign data = values;
            end else begin : sums
                localparam BELOW = (LANES + (1 << (l - 1)) - 1) >> (l - 1);
                for (i = 0; i < COUNT; i = i + 1) begin : node
                    reg  [BITS-1:0] total;
                    wire [BITS-2:0] left = level[l-1].data[2*i*(BITS-1)+:BITS-1];
                    if (2 * i + 1 < BELOW) begin : pair
                        wire [BITS-2:0] right = level[l-1].data[(2*i+1)*(BITS-1)+:BITS-1];
                        always @(posedge clk)
                            if (enable) total <= {left[BITS-2], left} + {right[BITS-2], right};
                    end else begin : odd
                        always @(posedge clk) if (enable) total <= {left[BITS-2], left};
                    end
                    assign data[i*BITS+:BITS] = total;
                end
            end
        end
    endgenerate

    assign sum = level[LEVELS].data;

endmodule

`default_nettype wire
