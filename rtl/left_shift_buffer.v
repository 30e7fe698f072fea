// Past samples in flip-flops: takes a stream of words and, for every sample, sends the window that ends with it.
// SPDX-License-Identifier: 0BSD
//
// The same streams as activation_cache with DILATION = 1, without memory: for windows of a few words. All
// words sit in one shift register that moves left by a word for every word that arrives; the place to read
// from moves along with them.

`default_nettype none

module left_shift_buffer #(
    // Bits of a word.
    parameter WIDTH = 16,
    // Words in a sample.
    parameter CHANNELS = 4,
    // Samples in a window.
    parameter TAPS = 2,
    // Words sent at once. The lanes behind the last channel are zero.
    parameter LANES = 1,
    // Times that every window is sent.
    parameter REPEATS = 1,
    // Hexadecimal file of ceil(CHANNELS/LANES) lines, group g of the initial sample in line g; "" for zeros.
    parameter INITIAL_FILE = ""
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire [      WIDTH-1 : 0] s_data,
    // The last word of its sample.
    input  wire                     s_last,
    input  wire                     s_valid,
    output wire                     s_ready,
    // Lane i in bits [i*WIDTH +: WIDTH].
    output wire [LANES*WIDTH-1 : 0] m_data,
    output wire                     m_last,
    output wire                     m_valid,
    input  wire                     m_ready
);

    localparam BITS = LANES * WIDTH;
    localparam STEPS = (CHANNELS + LANES - 1) / LANES;
    localparam STEP_BITS = STEPS > 1 ? $clog2(STEPS) : 1;
    // The window and the sample that arrives while it is sent.
    localparam DEPTH = (TAPS + 1) * STEPS;
    localparam PLACE_BITS = $clog2(DEPTH);
    // Places count from the newest word, 0. From the last word of a window, or of its last repetition, to the
    // word that follows; the latter is also where reading starts, before the first sample has arrived.
    localparam [31:0] TO_SAME_WINDOW = TAPS * STEPS - 1;
    localparam [31:0] TO_NEXT_WINDOW = TAPS * STEPS - 1 - STEPS;

    wire full;
    wire available;
    wire advance;
    wire [STEP_BITS-1:0] step;
    wire window_end;
    wire sample_end;
    wire missing;

    wire word_taken = s_valid && s_ready;
    wire read = available && advance;

    assign s_ready = !full;

    wire [BITS-1:0] group;
    wire group_taken;

    word_packer #(
        .WIDTH(WIDTH),
        .LANES(LANES)
    ) word_packer (
        .clk        (clk),
        .rst        (rst),
        .word       (s_data),
        .word_taken (word_taken),
        .word_last  (s_last),
        .group      (group),
        .group_taken(group_taken)
    );

    // verilator lint_off PINCONNECTEMPTY
    window_sequencer #(
        .STEPS   (STEPS),
        .TAPS    (TAPS),
        .DILATION(1),
        .REPEATS (REPEATS)
    ) window_sequencer (
        .clk       (clk),
        .rst       (rst),
        .stored    (word_taken && s_last),
        .full      (full),
        .available (available),
        .read      (read),
        .step      (step),
        .tap_end   (),
        .window_end(window_end),
        .sample_end(sample_end),
        .missing   (missing)
    );
    // verilator lint_on PINCONNECTEMPTY

    reg [DEPTH*BITS-1:0] words;
    always @(posedge clk) if (group_taken) words <= {words[(DEPTH-1)*BITS-1:0], group};

    // Down by one for a word read, or up to the start of a window; and up by one for a word that arrived.
    reg [PLACE_BITS-1:0] place;
    wire [PLACE_BITS-1:0] stride = sample_end ? TO_NEXT_WINDOW[PLACE_BITS-1:0] :
        window_end ? TO_SAME_WINDOW[PLACE_BITS-1:0] : {PLACE_BITS{1'b1}};

    always @(posedge clk)
        if (rst) place <= TO_NEXT_WINDOW[PLACE_BITS-1:0];
        else place <= place + (read ? stride : {PLACE_BITS{1'b0}}) + {{PLACE_BITS - 1{1'b0}}, group_taken};

    reg [BITS-1:0] stored;
    always @(posedge clk) if (read) stored <= words[place*BITS+:BITS];

    initial_sample #(
        .WIDTH       (BITS),
        .STEPS       (STEPS),
        .INITIAL_FILE(INITIAL_FILE)
    ) initial_sample (
        .clk    (clk),
        .rst    (rst),
        .advance(advance),
        .s_valid(read),
        .step   (step),
        .missing(missing),
        .s_last (window_end),
        .stored (stored),
        .m_data (m_data),
        .m_last (m_last),
        .m_valid(m_valid),
        .m_ready(m_ready)
    );

endmodule

`default_nettype wire
