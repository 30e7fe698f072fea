"""FPGA target: schedules a graph onto the hand-written modules in rtl/ and writes the Verilog around them."""
