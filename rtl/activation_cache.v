// Past samples: takes a stream of words and, for every sample, sends the window that ends with it.
// SPDX-License-Identifier: 0BSD
//
// The window of sample t is t - (TAPS-1)*DILATION, ..., t - DILATION, t. It is sent REPEATS times, oldest tap
// first, each tap as its groups of LANES channels; `m_last` marks the last group of each repetition. Samples
// from before the first one since reset read as INITIAL. The next sample is taken while the current window
// is sent, and a word leaves in every cycle as long as there are samples.
//
// In memory the past is a ring of as many words as its address counts, so that addresses wrap by themselves; a
// sample needs no alignment in it. That makes every number of taps, channels and every dilation alike. In
// registers, for windows of a few words that lie side by side, it is one shift register that moves left by a word
// for every word that arrives; the place to read from moves along with them.

`default_nettype none

module activation_cache #(
    // Bits of a word.
    parameter WIDTH = 16,
    // Words in a sample.
    parameter CHANNELS = 4,
    // Samples in a window.
    parameter TAPS = 4,
    // Distance of two taps, in samples.
    parameter DILATION = 1,
    // Words sent at once. The lanes behind the last channel are zero.
    parameter LANES = 1,
    // Times that every window is sent.
    parameter REPEATS = 1,
    // Where the past is kept: "memory", or, for DILATION = 1, "registers".
    parameter STORAGE = "memory",
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
    wire full;
    wire available;
    wire advance;
    wire [STEP_BITS-1:0] step;
    wire tap_end;
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

    window_sequencer #(
        .STEPS   (STEPS),
        .TAPS    (TAPS),
        .DILATION(DILATION),
        .REPEATS (REPEATS)
    ) window_sequencer (
        .clk       (clk),
        .rst       (rst),
        .stored    (word_taken && s_last),
        .full      (full),
        .available (available),
        .read      (read),
        .step      (step),
        .tap_end   (tap_end),
        .window_end(window_end),
        .sample_end(sample_end),
        .missing   (missing)
    );

    // The word read last.
    reg [BITS-1:0] stored;

    generate
        // verilator lint_off WIDTH
        if (STORAGE == "registers") begin : registers
            // verilator lint_on WIDTH
            // The window and the sample that arrives while it is sent.
            localparam DEPTH = (TAPS + 1) * STEPS;
            localparam PLACE_BITS = $clog2(DEPTH);
            // Places count from the newest word, 0. From the last word of a window, or of its last repetition, to
            // the word that follows; the latter is also where reading starts, before the first sample has arrived.
            localparam [31:0] TO_SAME_WINDOW = TAPS * STEPS - 1;
            localparam [31:0] TO_NEXT_WINDOW = TAPS * STEPS - 1 - STEPS;

            reg [DEPTH*BITS-1:0] words;
            // Down by one for a word read, or up to the start of a window; and up by one for a word that arrived.
            reg [PLACE_BITS-1:0] place;
            wire [PLACE_BITS-1:0] stride = sample_end ? TO_NEXT_WINDOW[PLACE_BITS-1:0] :
                window_end ? TO_SAME_WINDOW[PLACE_BITS-1:0] : {PLACE_BITS{1'b1}};

            always @(posedge clk)
                if (rst) place <= TO_NEXT_WINDOW[PLACE_BITS-1:0];
                else place <= place + (read ? stride : {PLACE_BITS{1'b0}}) + {{PLACE_BITS - 1{1'b0}}, group_taken};

            always @(posedge clk) if (group_taken) words <= {words[(DEPTH-1)*BITS-1:0], group};
            always @(posedge clk) if (read) stored <= words[place*BITS+:BITS];

            // verilator lint_off UNUSEDSIGNAL
            wire unused = tap_end;
            // verilator lint_on UNUSEDSIGNAL
        end else begin : memory
            localparam SPAN = (TAPS - 1) * DILATION * STEPS;
            // One sample more than the window reaches over: the one that arrives while the window is sent.
            localparam ADDRESS_BITS = $clog2(SPAN + 2 * STEPS);
            localparam DEPTH = 1 << ADDRESS_BITS;
            // From the last word of a tap, a window, or all its repetitions, to the word that follows.
            localparam [31:0] TO_NEXT_TAP = (DILATION - 1) * STEPS + 1;
            localparam [31:0] TO_SAME_WINDOW = 1 - SPAN - STEPS;
            localparam [31:0] TO_NEXT_WINDOW = 1 - SPAN;
            localparam [31:0] FIRST_READ = -SPAN;

            // A word is never read in the cycle in which it is written, so there is nothing to forward.
            (* no_rw_check *)
            reg [BITS-1:0] ring[0:DEPTH-1];
            reg [ADDRESS_BITS-1:0] write_address;
            reg [ADDRESS_BITS-1:0] read_address;
            wire [ADDRESS_BITS-1:0] stride = sample_end ? TO_NEXT_WINDOW[ADDRESS_BITS-1:0] :
                window_end ? TO_SAME_WINDOW[ADDRESS_BITS-1:0] :
                tap_end ? TO_NEXT_TAP[ADDRESS_BITS-1:0] : {{ADDRESS_BITS - 1{1'b0}}, 1'b1};

            always @(posedge clk)
                if (rst) write_address <= {ADDRESS_BITS{1'b0}};
                else if (group_taken) write_address <= write_address + 1'b1;

            always @(posedge clk)
                if (rst) read_address <= FIRST_READ[ADDRESS_BITS-1:0];
                else if (read) read_address <= read_address + stride;

            always @(posedge clk) if (group_taken) ring[write_address] <= group;
            always @(posedge clk) if (read) stored <= ring[read_address];
        end
    endgenerate

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
