"""A Kalman filter that is tuned by gradient: it expects throws where they will be seen next, though some are missed.

In reading order:

    throws.py       throws under gravity, seen with gaps, and the error that no predictor is below; numpy only
    cell.py         `KalmanCell`, for `keras.layers.RNN`
    published.py    `PublishedCell`, the filter as it was published, and why its noise of y did not move
    model.py        the filters, and a GRU beside them, as models over sequences
    reference.py    the filters in float64; numpy only
    baselines.py    what can be had without a filter; numpy only
    recipe.py       how to train
    training.py     a model from a seed to its weights
    evaluation.py   the tables
    batches.py      batch size and optimizer, step by step
    device.py       the filter once it has settled, as layers that every device has
    picture.py      throws, and the paths that were expected
    experiment.py   `train`, `evaluate`, `show`: all of the above in one call
    command.py      the same from the command line
"""
