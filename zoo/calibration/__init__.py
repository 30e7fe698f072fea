"""Confidence that can be used: calibration, focal losses, and what a network says of images it knows nothing about.

    from zoo.calibration.losses import SparseFocalLoss
    from zoo.calibration.scaling.temperature import TemperatureScaling
    from zoo.calibration.metrics import ExpectedCalibrationError

    model.compile("adam", SparseFocalLoss(gamma=1.0), metrics=[ExpectedCalibrationError(from_logits=True)])
    model.fit(x, y)
    calibrated = TemperatureScaling().fit(model, x_held_back, y_held_back)     # same layers, other last weights

Module by module, in reading order:

    losses/              sparse focal loss, FLSD-53, MMCE and label smoothing, all from logits
    metrics/             ECE, adaptive and class-wise ECE, Brier score and likelihood, streaming
    noise_floor.py       what ECE a perfectly calibrated network would have
    last_layer.py        the last layer of a classifier, to be replaced
    temperature.py, vector.py, refit.py
                         three ways of calibrating afterwards, each `fit(model, x, y)` -> a Keras model
    device.py            a network that ends in class, confidence and an out-of-distribution flag
    splits.py            which images are trained on, held back, or outliers; numpy only
    augmented.py         flips and shifts
    recipe.py, methods.py, plan.py
                         how to train, with which losses, and what is compared
    training.py          one training, from a seed to a file
    figures.py, measuring.py
                         what is measured of it
    table.py, picture.py the comparison as text and as a page
    experiment.py        `train`, `evaluate`, `show`
    command.py           the same from the command line

Importing this package imports neither TensorFlow nor Keras.
"""
