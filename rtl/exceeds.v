// Whether a signed value is greater than a constant.
// SPDX-License-Identifier: 0BSD
//
// Against 2**n - 1, the usual upper bound of a word, only the bits above n matter; that is a few gates
// where synthesis would build a carry chain as long as the value.

`default_nettype none

module exceeds #(
    // Bits of the value, at most 64.
    parameter WIDTH = 28,
    // The constant.
    parameter signed [31:0] BOUND = 32'sd32767
) (
    // verilator lint_off UNUSEDSIGNAL
    input  wire signed [WIDTH-1 : 0] value,
    // verilator lint_on UNUSEDSIGNAL
    output wire                      result
);

    localparam signed [31:0] NEXT = BOUND + 32'sd1;
    // Bits of BOUND below its leading zeros.
    localparam BITS = $clog2(NEXT);

    generate
        if (BOUND == -32'sd1) begin : not_negative
            assign result = !value[WIDTH-1];
        end else if (BOUND >= 0 && BITS < 31 && (BOUND & NEXT) == 32'sd0) begin : all_ones
            if (BITS < WIDTH - 1) begin : high_bits
                assign result = !value[WIDTH-1] && |value[WIDTH-2:BITS];
            end else begin : never
                assign result = 1'b0;
            end
        end else begin : any
            wire signed [63:0] wide = {{65 - WIDTH{value[WIDTH-1]}}, value[WIDTH-2:0]};
            wire signed [63:0] bound = {{32{BOUND[31]}}, BOUND};
            assign result = wide > bound;
        end
    endgenerate

endmodule

`default_nettype wire
