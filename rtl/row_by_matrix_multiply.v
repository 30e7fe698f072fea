// Row vector times a constant matrix, plus a constant row: exact sums, one a cycle, OUTPUT_LANES columns at once.
// SPDX-License-Identifier: 0BSD
//
// A row comes in as STEPS = ceil(ROWS/INPUT_LANES) words of INPUT_LANES elements, `s_last` with the last one,
// and it comes PASSES = ceil(COLUMNS/OUTPUT_LANES) times: once for every group of columns. The sums leave one
// by one, column 0 first. While they do, the next pass or row is multiplied. From one row to the next it
// takes the sum, over the passes, of max(STEPS, columns of that pass) cycles, and no other.
//
// WEIGHTS_FILE has PASSES * STEPS lines: line pass * STEPS + step holds the weights that meet word `step` of
// the row, the one of element i and column o of the group in bits [(o*INPUT_LANES + i)*WEIGHT_WIDTH +:
// WEIGHT_WIDTH], two's complement, zero where the matrix has no such row or column. BIAS_FILE has COLUMNS
// lines of ACC_WIDTH bits: the constant row, at the scale of m_data.

`default_nettype none

module row_by_matrix_multiply #(
    // Bits of a row element, signed.
    parameter WIDTH = 16,
    // Bits of a weight, signed.
    parameter WEIGHT_WIDTH = 16,
    // Bits of a sum, bias included. Sums are exact modulo 2**ACC_WIDTH.
    parameter ACC_WIDTH = 40,
    // Zeros behind a sum of products before the bias is added, which then is on a finer grid than they are.
    parameter SUM_SHIFT = 0,
    // Elements of the row.
    parameter ROWS = 16,
    // Columns of the matrix.
    parameter COLUMNS = 4,
    // Elements of the row multiplied in each cycle.
    parameter INPUT_LANES = 1,
    // Columns summed at once; INPUT_LANES * OUTPUT_LANES multipliers in all.
    parameter OUTPUT_LANES = 1,
    // Hexadecimal file of the weights, see above; "" for zeros.
    parameter WEIGHTS_FILE = "",
    // Hexadecimal file of the bias; "" for none.
    parameter BIAS_FILE = "",
    // Memory for the weights: "block", "logic" (look-up tables), or "auto" for the choice of the synthesis.
    parameter WEIGHTS_STYLE = "block"
) (
    input  wire                           clk,
    input  wire                           rst,
    // Element i in bits [i*WIDTH +: WIDTH].
    input  wire [INPUT_LANES*WIDTH-1 : 0] s_data,
    // The last word of the row.
    input  wire                           s_last,
    input  wire                           s_valid,
    output wire                           s_ready,
    output reg  [        ACC_WIDTH-1 : 0] m_data,
    // The last column.
    output reg                            m_last,
    output reg                            m_valid,
    input  wire                           m_ready
);

    localparam STEPS = (ROWS + INPUT_LANES - 1) / INPUT_LANES;
    localparam PASSES = (COLUMNS + OUTPUT_LANES - 1) / OUTPUT_LANES;
    localparam LANE_BITS = OUTPUT_LANES > 1 ? $clog2(OUTPUT_LANES) : 1;
    localparam COLUMN_BITS = COLUMNS > 1 ? $clog2(COLUMNS) : 1;
    localparam WEIGHTS = PASSES * STEPS;
    localparam ADDRESS_BITS = WEIGHTS > 1 ? $clog2(WEIGHTS) : 1;
    localparam [31:0] LAST_ADDRESS = WEIGHTS - 1;
    localparam WORD_WIDTH = OUTPUT_LANES * INPUT_LANES * WEIGHT_WIDTH;
    localparam SUM_WIDTH = ACC_WIDTH - SUM_SHIFT;

    wire taken = s_valid && s_ready;

    // The weights of the next step are read ahead, so that they wait for their word of the row; those of the
    // first one during reset.
    wire [WORD_WIDTH-1:0] weights;
    reg [ADDRESS_BITS-1:0] next_address;
    wire [ADDRESS_BITS-1:0] address = rst ? {ADDRESS_BITS{1'b0}} : next_address;

    always @(posedge clk)
        if (rst || taken)
            next_address <= address == LAST_ADDRESS[ADDRESS_BITS-1:0] ? {ADDRESS_BITS{1'b0}} : address + 1'b1;

    rom #(
        .WIDTH(WORD_WIDTH),
        .WORDS(WEIGHTS),
        .FILE (WEIGHTS_FILE),
        .STYLE(WEIGHTS_STYLE)
    ) weight_words (
        .clk    (clk),
        .read   (rst || taken),
        .address(address),
        .word   (weights)
    );

    wire [OUTPUT_LANES*SUM_WIDTH-1:0] sums;
    wire sums_valid;
    wire sums_ready;

    dot_product #(
        .WIDTH       (WIDTH),
        .WEIGHT_WIDTH(WEIGHT_WIDTH),
        .ACC_WIDTH   (SUM_WIDTH),
        .LANES       (INPUT_LANES),
        .COLUMNS     (OUTPUT_LANES)
    ) dot_product (
        .clk      (clk),
        .rst      (rst),
        .s_row    (s_data),
        .s_weights(weights),
        .s_last   (s_last),
        .s_valid  (s_valid),
        .s_ready  (s_ready),
        .m_data   (sums),
        .m_valid  (sums_valid),
        .m_ready  (sums_ready)
    );

    // The sums wait in the dot product until the last of them is selected.
    wire [LANE_BITS-1:0] lane_selected;
    wire lane_last;
    wire [COLUMN_BITS-1:0] column;
    wire column_last;
    wire advance = !m_valid || m_ready;
    wire select = advance && sums_valid;

    // Only a pass that is not full ends before its last lane.
    assign sums_ready = advance && (lane_last || (COLUMNS % OUTPUT_LANES != 0 && column_last));

    counter #(
        .MODULUS(OUTPUT_LANES)
    ) lane_counter (
        .clk    (clk),
        .rst    (rst || (select && column_last)),
        .advance(select),
        .value  (lane_selected),
        .last   (lane_last)
    );

    counter #(
        .MODULUS(COLUMNS)
    ) column_counter (
        .clk    (clk),
        .rst    (rst),
        .advance(select),
        .value  (column),
        .last   (column_last)
    );

    wire [SUM_WIDTH-1:0] sum[0:OUTPUT_LANES-1];
    genvar o;
    generate
        for (o = 0; o < OUTPUT_LANES; o = o + 1) begin : split
            assign sum[o] = sums[o*SUM_WIDTH+:SUM_WIDTH];
        end
    endgenerate

    reg [SUM_WIDTH-1:0] selected;
    reg selected_last;
    reg selected_valid;
    wire [ACC_WIDTH-1:0] bias;

    always @(posedge clk)
        if (rst) begin
            selected_valid <= 1'b0;
            m_valid        <= 1'b0;
        end else if (advance) begin
            selected_valid <= select;
            m_valid        <= selected_valid;
        end

    // One adder behind the selection instead of a preset in front of every accumulator.
    always @(posedge clk)
        if (advance) begin
            selected      <= sum[lane_selected];
            selected_last <= column_last;
            m_data        <= {selected, {SUM_SHIFT{1'b0}}} + bias;
            m_last        <= selected_last;
        end

    rom #(
        .WIDTH(ACC_WIDTH),
        .WORDS(COLUMNS),
        .FILE (BIAS_FILE)
    ) bias_words (
        .clk    (clk),
        .read   (advance),
        .address(column),
        .word   (bias)
    );

endmodule

`default_nettype wire
