"""The 16-bit WaveNet: tf_keras and QKeras, apart from the float one, which needs neither.

    legacy_keras.py   how QKeras and Keras 3 share a process
    model.py          `build_quantized`: 1,572 parameters, every value a 16-bit word
    legacy.py         loss and metric once more, for tf_keras
    training.py       from a seed to its weights

Importing this package imports neither TensorFlow nor Keras.
"""
