"""How big can the batch be? One training loop for SGD with momentum, Adam and Lamb, from 64 to the whole set.

In reading order:

    data.py         all eight rotations and flips, made once before training; numpy only
    step.py         one step: in one piece, accumulated from parts, on several devices; the mean is over samples
    recipe.py       how to train, and the sweep of rates
    loop.py         the training loop, with images a second and time to an accuracy
    picture.py      accuracy by batch
    experiment.py   `train`, `evaluate`, `show`: all of the above in one call
    command.py      the same from the command line
"""
