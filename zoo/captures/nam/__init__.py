"""Neural Amp Modeler's files: WaveNets of both generations, containers of several widths, LSTMs."""
