"""GuitarML's files (NeuralPi, Proteus, SmartAmp): one recurrent layer and a product, with and without knobs."""
