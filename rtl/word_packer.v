// Packs a serial stream of words into groups of LANES, in the cycle in which the last word of a group arrives.
// SPDX-License-Identifier: 0BSD
//
// A sample whose words do not fill its last group leaves the lanes behind them at zero.

`default_nettype none

module word_packer #(
    // Bits of a word.
    parameter WIDTH = 16,
    // Words in a group.
    parameter LANES = 2
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire [      WIDTH-1 : 0] word,
    // A word is taken in this cycle.
    input  wire                     word_taken,
    // It is the last one of its sample.
    input  wire                     word_last,
    // Word i in bits [i*WIDTH +: WIDTH].
    output wire [LANES*WIDTH-1 : 0] group,
    // The group is complete in this cycle.
    output wire                     group_taken
);

    generate
        if (LANES == 1) begin : single
            // verilator lint_off UNUSEDSIGNAL
            wire unused = clk | rst | word_last;
            // verilator lint_on UNUSEDSIGNAL
            assign group = word;
            assign group_taken = word_taken;
        end else begin : several
            localparam LANE_BITS = $clog2(LANES);

            wire [LANE_BITS-1:0] lane;
            wire lane_last;
            // The last lane needs no register: its word completes the group.
            reg  [(LANES-1)*WIDTH-1:0] held;

            assign group_taken = word_taken && (word_last || lane_last);

            counter #(
                .MODULUS(LANES)
            ) lane_counter (
                .clk    (clk),
                .rst    (rst || group_taken),
                .advance(word_taken),
                .value  (lane),
                .last   (lane_last)
            );

            genvar i;
            for (i = 0; i < LANES; i = i + 1) begin : position
                wire here = lane == i;
                if (i < LANES - 1) begin : early
                    always @(posedge clk)
                        if (rst || group_taken) held[i*WIDTH+:WIDTH] <= {WIDTH{1'b0}};
                        else if (word_taken && here) held[i*WIDTH+:WIDTH] <= word;
                    assign group[i*WIDTH+:WIDTH] = here ? word : held[i*WIDTH+:WIDTH];
                end else begin : latest
                    assign group[i*WIDTH+:WIDTH] = here ? word : {WIDTH{1'b0}};
                end
            end
        end
    endgenerate

endmodule

`default_nettype wire
