"""Which channels, at which resolution, does a classifier need? Evolved, and measured against the whole truth.

In reading order:

    data.py         Landsat's four bands; CIFAR-10 as thirteen channels of known worth; numpy only
    network.py      a classifier that may do without any channel, and `prune`, which cuts out what is not used
    front.py        which choices no other choice beats; numpy only
    searches.py     genetic, NSGA-II, greedy, random and exhaustive searches with one interface; numpy only
    recipe.py       how to train and search
    training.py     networks from a seed to their weights, and what a choice is worth
    picture.py      the choices and their fronts, the channels
    experiment.py   `train`, `evaluate`, `show`: all of the above in one call
    command.py      the same from the command line
"""
