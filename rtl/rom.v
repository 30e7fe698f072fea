// Read-only memory with a registered output: one word a cycle, from a hexadecimal file, or zeros without one.
// SPDX-License-Identifier: 0BSD

`default_nettype none

module rom #(
    // Bits of a word.
    parameter WIDTH = 16,
    // Words.
    parameter WORDS = 4,
    // Hexadecimal file of WORDS lines, one word in each; "" for zeros.
    parameter FILE = "",
    // verilator lint_off UNUSEDPARAM
    // Memory: "block", "logic" (look-up tables), or "auto" for the choice of the synthesis.
    parameter STYLE = "auto",
    // verilator lint_on UNUSEDPARAM
    // Bits of `address`; at least 1.
    parameter ADDRESS_BITS = WORDS > 1 ? $clog2(WORDS) : 1
) (
    input  wire                      clk,
    // The word at `address` is read in this cycle.
    input  wire                      read,
    input  wire [ADDRESS_BITS-1 : 0] address,
    // The word read last.
    output wire [       WIDTH-1 : 0] word
);

    generate
        if (FILE == "") begin : zeros
            // verilator lint_off UNUSEDSIGNAL
            wire unused = ^{clk, read, address};
            // verilator lint_on UNUSEDSIGNAL
            assign word = {WIDTH{1'b0}};
        end else begin : words
            (* rom_style = STYLE *)
            reg [WIDTH-1:0] memory[0:WORDS-1];
            reg [WIDTH-1:0] read_word;
            initial $readmemh(FILE, memory);
            always @(posedge clk) if (read) read_word <= memory[address];
            assign word = read_word;
        end
    endgenerate

endmodule

`default_nettype wire
