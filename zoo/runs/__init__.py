"""Experiments that can be trusted a year later: everything a training depends on is kept, and it can be resumed.

    zoo.runs.fit(model, data, folder=..., epochs=...)   trains, or goes on with what stands in the folder
    zoo.runs.load("runs/name/3")                        data, model and restored weights, from stored copies alone

Module by module, in reading order:

    data_set.py          `DataSet`, and `Batches` whose order follows from (seed, epoch)
    state.py             every variable of a model, in a file that is written whole or not at all
    callback_state.py    what callbacks remember
    training.py          `fit`, usable alone
    config.py            configurations: a Python file for the data, one for the model
    environment.py       what else a training depends on: code, packages, processor, settings
    folder.py            runs/<name>/<number>/
    run.py               `train` and `load`
    curves.py            learning curves and the table of an evaluation
    command.py           the command line

Importing this package imports neither TensorFlow nor Keras; its names do.
"""

from importlib import import_module
from typing import Any

_WHERE = {
    "Batches": "zoo.runs.data_set",
    "DataSet": "zoo.runs.data_set",
    "fit": "zoo.runs.training",
    "load": "zoo.runs.run",
    "train": "zoo.runs.run",
}

__all__ = ["Batches", "DataSet", "fit", "load", "train"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
