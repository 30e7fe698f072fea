// Dot products of one row with COLUMNS columns at once, LANES elements a cycle, exact, without an idle cycle.
// SPDX-License-Identifier: 0BSD
//
// `s_last` closes the sums: the totals go to `m_data`, which holds them until they are taken, while the next
// sums accumulate. The pipeline stands still only while totals are ready and those before them are still in
// `m_data`.

`default_nettype none

module dot_product #(
    // Bits of a row element, signed.
    parameter WIDTH = 16,
    // Bits of a weight, signed.
    parameter WEIGHT_WIDTH = 16,
    // Bits of a sum. Sums are exact modulo 2**ACC_WIDTH: whoever knows the weights makes it wide enough.
    parameter ACC_WIDTH = 40,
    // Elements multiplied in each cycle.
    parameter LANES = 1,
    // Columns that share the row.
    parameter COLUMNS = 1
) (
    input  wire                                    clk,
    input  wire                                    rst,
    // Lane i in bits [i*WIDTH +: WIDTH].
    input  wire [               LANES*WIDTH-1 : 0] s_row,
    // Lane i of column o in bits [(o*LANES + i)*WEIGHT_WIDTH +: WEIGHT_WIDTH].
    input  wire [COLUMNS*LANES*WEIGHT_WIDTH-1 : 0] s_weights,
    // The last elements of the row.
    input  wire                                    s_last,
    input  wire                                    s_valid,
    output wire                                    s_ready,
    // Column o in bits [o*ACC_WIDTH +: ACC_WIDTH].
    output wire [         COLUMNS*ACC_WIDTH-1 : 0] m_data,
    output reg                                     m_valid,
    input  wire                                    m_ready
);

    // Registers between the inputs and the accumulator: two in the multiplier, one in each adder level.
    localparam STAGES = 2 + $clog2(LANES);
    localparam COLUMN_WIDTH = LANES * WEIGHT_WIDTH;

    // Flags of the words in these registers; `closing` only with words that are valid.
    reg [STAGES-1:0] valid;
    reg [STAGES-1:0] closing;

    wire enable = !(closing[STAGES-1] && m_valid && !m_ready);
    wire accumulate = enable && valid[STAGES-1];
    wire close = enable && closing[STAGES-1];

    assign s_ready = enable;

    // Reset leaves a word behind that is not valid and closes a sum: it clears the accumulators, which then need
    // no reset of their own.
    always @(posedge clk)
        if (rst) begin
            valid   <= {STAGES{1'b0}};
            closing <= {1'b1, {STAGES - 1{1'b0}}};
        end else if (enable) begin
            valid   <= {valid[STAGES-2:0], s_valid};
            closing <= {closing[STAGES-2:0], s_valid && s_last};
        end

    always @(posedge clk)
        if (rst) m_valid <= 1'b0;
        else if (close) m_valid <= valid[STAGES-1];
        else if (m_ready) m_valid <= 1'b0;

    genvar o;
    generate
        for (o = 0; o < COLUMNS; o = o + 1) begin : column
            multiply_accumulate #(
                .WIDTH       (WIDTH),
                .WEIGHT_WIDTH(WEIGHT_WIDTH),
                .ACC_WIDTH   (ACC_WIDTH),
                .LANES       (LANES)
            ) multiply_accumulate (
                .clk       (clk),
                .enable    (enable),
                .row       (s_row),
                .weights   (s_weights[o*COLUMN_WIDTH+:COLUMN_WIDTH]),
                .accumulate(accumulate),
                .close     (close),
                .total     (m_data[o*ACC_WIDTH+:ACC_WIDTH])
            );
        end
    endgenerate

endmodule

`default_nettype wire
