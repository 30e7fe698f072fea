// Output stage of a cache: puts the initial sample in the place of words that are not there yet.
// SPDX-License-Identifier: 0BSD
//
// A word that is read while `advance` arrives in `stored` one cycle later and leaves one more cycle later.

`default_nettype none

module initial_sample #(
    // Bits of a word.
    parameter WIDTH = 16,
    // Words that hold one sample.
    parameter STEPS = 4,
    // Hexadecimal file of STEPS lines, one word in each; "" for zeros.
    parameter INITIAL_FILE = "",
    // Bits of `step`; at least 1.
    parameter STEP_BITS = STEPS > 1 ? $clog2(STEPS) : 1
) (
    input  wire                   clk,
    input  wire                   rst,
    // A word may be read in this cycle.
    output wire                   advance,
    // It is read.
    input  wire                   s_valid,
    // Its position in its sample.
    input  wire [STEP_BITS-1 : 0] step,
    // It belongs to a sample from before the first one.
    input  wire                   missing,
    // It ends a window.
    input  wire                   s_last,
    // The word read by the last `advance`.
    input  wire [    WIDTH-1 : 0] stored,
    output reg  [    WIDTH-1 : 0] m_data,
    output reg                    m_last,
    output reg                    m_valid,
    input  wire                   m_ready
);

    reg stored_valid;
    reg stored_last;
    reg stored_missing;
    wire [WIDTH-1:0] initial_word;

    assign advance = !m_valid || m_ready;

    always @(posedge clk)
        if (rst) begin
            stored_valid <= 1'b0;
            m_valid      <= 1'b0;
        end else if (advance) begin
            stored_valid <= s_valid;
            m_valid      <= stored_valid;
        end

    always @(posedge clk)
        if (advance) begin
            stored_last    <= s_last;
            stored_missing <= missing;
            m_last         <= stored_last;
            m_data         <= stored_missing ? initial_word : stored;
        end

    rom #(
        .WIDTH(WIDTH),
        .WORDS(STEPS),
        .FILE (INITIAL_FILE)
    ) initial_words (
        .clk    (clk),
        .read   (advance),
        .address(step),
        .word   (initial_word)
    );

endmodule

`default_nettype wire
