// Plays a file through a network and records what comes out, of the network and of stages inside it.
// SPDX-License-Identifier: 0BSD
//
// Verilog and not Python touches every cycle, so that it runs as fast as the simulator does; network.py sets it
// up and reads its files. NETWORK is the module under test; network_stages.vh records its stages.

`default_nettype none

module network_bench #(
    // Bits of an input word.
    parameter INPUT_WIDTH = 16,
    // Bits of an output word.
    parameter OUTPUT_WIDTH = 16,
    // Channels of the input.
    parameter INPUTS = 1,
    // Channels of the output.
    parameter OUTPUTS = 1,
    // Samples in input.txt, one word in each line, hexadecimal.
    parameter SAMPLES = 1,
    // Cycles out of 65536 in which no new word is offered.
    parameter SEND_STALL = 0,
    // Cycles out of 65536 in which no word is received.
    parameter RECEIVE_STALL = 0,
    // Seed of the stalls.
    parameter SEED = 1,
    // Cycles without a transfer at either end after which all is over, well or not.
    parameter PATIENCE = 100000
) ();

    reg clk = 1'b0;
    reg rst = 1'b1;
    always #5 clk = !clk;

    reg [INPUT_WIDTH-1:0] s_data = {INPUT_WIDTH{1'b0}};
    reg s_last = 1'b0;
    reg s_valid = 1'b0;
    wire s_ready;
    wire signed [OUTPUT_WIDTH-1:0] m_data;
    wire m_last;
    wire m_valid;
    reg m_ready = 1'b0;

    // Its memory files lie where the simulation runs.
    `NETWORK #(
        .MEM_DIR(".")
    ) network (
        .clk          (clk),
        .rst          (rst),
        .s_axis_tdata (s_data),
        .s_axis_tlast (s_last),
        .s_axis_tvalid(s_valid),
        .s_axis_tready(s_ready),
        .m_axis_tdata (m_data),
        .m_axis_tlast (m_last),
        .m_axis_tvalid(m_valid),
        .m_axis_tready(m_ready)
    );

    integer input_file, output_file, taken_file, given_file, verdict_file;
    integer send_seed = SEED, receive_seed = SEED + 1;
    integer cycle = 0, idle = 0, code;
    // Words that went in and came out.
    integer sent = 0, received = 0;
    // A word at the output that is unknown, or whose `last` stands in the wrong place.
    reg broken = 1'b0;
    reg [INPUT_WIDTH-1:0] word;

    // Words offered so far, and the channel of the one on offer.
    integer offered = 0, channel = 0;
    integer place = 0;

    initial begin
        input_file  = $fopen("input.txt", "r");
        output_file = $fopen("output.txt", "w");
        taken_file  = $fopen("taken.txt", "w");
        given_file  = $fopen("given.txt", "w");
        repeat (3) @(posedge clk);
        rst <= 1'b0;
    end

    always @(posedge clk)
        if (!rst) begin
            cycle <= cycle + 1;
            idle  <= idle + 1;

            if (s_valid && s_ready) begin
                if (channel == 0) $fwrite(taken_file, "%0d\n", cycle);
                channel = channel == INPUTS - 1 ? 0 : channel + 1;
                sent    = sent + 1;
                idle <= 0;
            end
            if (!s_valid || s_ready) begin
                if (offered < SAMPLES * INPUTS && (SEND_STALL == 0 || ($random(send_seed) & 65535) >= SEND_STALL)) begin
                    code = $fscanf(input_file, "%h", word);
                    offered = offered + 1;
                    s_data  <= word;
                    s_last  <= channel == INPUTS - 1;
                    s_valid <= 1'b1;
                end else begin
                    s_valid <= 1'b0;
                end
            end

            m_ready <= RECEIVE_STALL == 0 || ($random(receive_seed) & 65535) >= RECEIVE_STALL;
            if (m_valid && m_ready) begin
                $fwrite(output_file, "%0d%s", m_data, m_last ? "\n" : " ");
                if (m_last) $fwrite(given_file, "%0d\n", cycle);
                if (^m_data === 1'bx || m_last !== (place == OUTPUTS - 1)) broken <= 1'b1;
                place    = m_last ? 0 : place + 1;
                received = received + 1;
                idle <= 0;
            end

            // A word too many would come within a few cycles of the last one.
            if (idle == PATIENCE || (idle == 200 && received >= SAMPLES * OUTPUTS)) begin
                $fclose(output_file);
                $fclose(taken_file);
                $fclose(given_file);
                verdict_file = $fopen("verdict.txt", "w");
                $fwrite(verdict_file, "%0d %0d %0d\n", sent, received, broken);
                $fclose(verdict_file);
                $finish(0);
            end
        end

    `include "network_stages.vh"

endmodule

`default_nettype wire
