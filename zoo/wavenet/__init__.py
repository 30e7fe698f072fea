"""A WaveNet waveshaper: a triangle wave and a point in a 2-d embedding go in, a shaped wave comes out.

The network is small enough for one audio sample at a time on a microcontroller or an FPGA: it is a stack of dilated
causal convolutions, and a point in the embedding says which of four shapes (or which mixture of two) to make of the
core oscillator. After the WaveNets that Mat Kelcey put on a Cortex-M7 and on an ECP5.

Module by module, in reading order:

    waves.py             the shapes, the embedding, and `corner_waves`; numpy only
    batches.py           seeded training batches; numpy only
    model.py             `build`: the float network, 465 parameters, Keras 3
    losses/, metrics/    what is minimised and what is watched, both past the receptive field
    recipe.py, start.py  how to train, and initial weights
    training.py          the float network from a seed to its weights
    dataset.py           the batches as a `keras.utils.PyDataset`, for a `fit` of one's own
    baselines.py         what a polynomial or a linear filter reaches; numpy only
    evaluation.py        the table of both
    picture.py           the four corners against their targets
    experiment.py        `train`, `evaluate`, `show`: all of the above in one call
    command.py           the same from the command line
    quantized/           the 16-bit network, 1,572 parameters, tf_keras and QKeras

Importing this package imports neither TensorFlow nor Keras.
"""

from zoo.wavenet.waves import corner_waves, receptive_field

__all__ = ["corner_waves", "receptive_field"]
