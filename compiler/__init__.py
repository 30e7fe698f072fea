"""From a trained Keras file to C for a microcontroller or Verilog for an FPGA."""
