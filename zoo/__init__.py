"""Keras 3 models that end up on a microcontroller or an FPGA, each with its data, loss, metric and training.

One folder for each system; `python -m zoo list` names them. `zoo.testing` holds the tests that every layer, loss and
metric must pass. `import zoo.registered` before `keras.saving.load_model` lets Keras find the classes that a file of
the zoo names. Importing this package imports no framework.
"""
