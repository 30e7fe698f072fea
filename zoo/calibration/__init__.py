"""Confidence that can be used: calibration, focal losses, and what a network says of images it knows nothing about.

    from zoo.calibration.losses import SparseFocalLoss
    from zoo.calibration.metrics import ExpectedCalibrationError
    from zoo.calibration.scaling import TemperatureScaling

    model.compile("adam", SparseFocalLoss(gamma=1.0), metrics=[ExpectedCalibrationError(from_logits=True)])
    model.fit(x, y)
    calibrated = TemperatureScaling().fit(model, x_held_back, y_held_back)     # same layers, other last weights

Module by module, in reading order:

    losses/              sparse focal loss, FLSD-53, MMCE and label smoothing, all from logits
    metrics/             ECE, adaptive and class-wise ECE, Brier score and likelihood, streaming
    noise_floor.py       what ECE a perfectly calibrated network would have
    scaling/             three ways of calibrating afterwards, each `fit(model, x, y)` -> a Keras model
    device.py            a network that ends in class, confidence and an out-of-distribution flag
    recipe.py, methods.py
                         how to train and what is compared, and with which losses
    training.py          one training, from a seed to a file
    figures.py, measuring.py
                         what is measured of it, with the detectors of `zoo.ood`
    table.py, picture.py the comparison as text and as a page
    experiment.py        `train`, `evaluate`, `show`
    command.py           the same from the command line

Importing this package imports neither TensorFlow nor Keras.
"""
