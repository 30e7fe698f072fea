// Counts 0, 1, ..., MODULUS - 1 and again from 0.
// SPDX-License-Identifier: 0BSD

`default_nettype none

module counter #(
    // Values to count through, at least 1.
    parameter MODULUS = 4,
    // Bits of `value`; at least 1.
    parameter BITS = MODULUS > 1 ? $clog2(MODULUS) : 1
) (
    input  wire              clk,
    // Back to 0.
    input  wire              rst,
    input  wire              advance,
    output wire [BITS-1 : 0] value,
    // `value` is MODULUS - 1.
    output wire              last
);

    localparam [31:0] BEFORE_LAST = MODULUS - 2;

    generate
        if (MODULUS == 1) begin : constant
            // verilator lint_off UNUSEDSIGNAL
            wire unused = clk | rst | advance;
            // verilator lint_on UNUSEDSIGNAL
            assign value = {BITS{1'b0}};
            assign last  = 1'b1;
        end else begin : counting
            // A flip-flop of its own for `last`: it decides about much else in the cycle in which it is read.
            reg [BITS-1:0] count;
            reg at_last;
            assign value = count;
            assign last  = at_last;
            always @(posedge clk)
                if (rst) at_last <= 1'b0;
                else if (advance) at_last <= count == BEFORE_LAST[BITS-1:0];
            // A power of two wraps by itself.
            always @(posedge clk)
                if (rst || (MODULUS != 1 << BITS && advance && at_last)) count <= {BITS{1'b0}};
                else if (advance) count <= count + 1'b1;
        end
    endgenerate

endmodule

`default_nettype wire
