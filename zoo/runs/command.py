"""`python -m zoo train | evaluate | show run`."""

import argparse
import json
from pathlib import Path
from typing import Any

from zoo.arguments import folder, seed, whole, written
from zoo.command import System, Verb

_SUMMARY = "any model on any data, from two Python files; kept so that it can be resumed, repeated and loaded"

_TRAINING = """\
Trains what two Python files describe, and keeps all that the result depends on.

  --data d.py     defines load(flags), which returns a zoo.runs.DataSet
  --model m.py    defines load(flags, data), which returns a compiled Keras model

Each may define FLAGS, a dict of flags and defaults, which --set changes; flags.seed is always there. The model's file
may define callbacks(flags), a list (keras.callbacks.TensorBoard, for instance), and the data's baselines(data). Both
files are your own code and are executed, now and whenever the run is resumed or loaded; they may import installed
packages and this project, but no file beside them. Operations are made deterministic, and so a little slower.
"""

_FILES = """\
Leaves runs/NAME/NUMBER with
  data.py, model.py, flags.json     the configurations, and every flag
  sessions/1, 2, ...                commit, changes, packages, processor and settings of each start
  metrics.csv                       a row for each epoch
  last.npz, previous.npz, best.npz  all that is needed to go on, and to load
  model.keras                       once it has ended: the best weights, for Keras and python -m compiler

A run that was stopped or killed goes on with --resume, from the last epoch that it finished, and ends with the same
weights, bit for bit. --resume with more --epochs trains a finished run further.

examples
  E=zoo/runs/examples
  python -m zoo train run --name digits --data $E/digits_data.py --model $E/digits_model.py --epochs 20
  python -m zoo train run --name digits --data $E/digits_data.py --model $E/digits_model.py --set filters=8 dropout=0.1
  python -m zoo train run --name digits --resume
  python -m zoo show run digits/1 digits/2
in Python
  run = zoo.runs.load("runs/digits/1");  run.model.predict(...)
  zoo.runs.fit(model, data, folder=..., epochs=...)      the resuming part alone
"""


def flag(text: str) -> tuple[str, Any]:
    """`key=value`, the value in JSON."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value")
    try:
        return key, json.loads(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{value!r} is not JSON: numbers, true, false, null, [lists], and texts in quotes, as in '{key}=\"text\"'"
        ) from None


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what to call the run")
    parser.add_argument("--data", type=Path, metavar="FILE", help="Python file that makes the data")
    parser.add_argument("--model", type=Path, metavar="FILE", help="Python file that makes the model")
    parser.add_argument(
        "--set", type=flag, nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="flags, values in JSON"
    )
    parser.add_argument("--epochs", type=whole, metavar="N", help="how many in all (default: 10)")
    parser.add_argument("--seed", type=seed, metavar="N", help="same seed, same weights (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on with the last run of this name")
    parser.add_argument("--monitor", metavar="METRIC", help="what tells the best epoch (default: val_loss, else loss)")
    parser.add_argument("--mode", choices=("min", "max"), help="whether less or more of it is better (default: min)")
    _place(parser)


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=folder, default=Path("runs"), metavar="DIR", help="all runs (default: runs)")


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="RUN", help="NAME (its last run), NAME/NUMBER, or a run's folder")
    _place(parser)


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="RUN", nargs="+", help="NAME (its last run), NAME/NUMBER, or a run's folder")
    parser.add_argument(
        "--out", type=written, metavar="FILE", help="the picture (default: curves.png in the run's folder)"
    )
    _place(parser)


SYSTEM = System(
    _SUMMARY,
    {
        "train": Verb(
            _TRAINING,
            _FILES,
            "zoo.runs.run.train_command",
            _train_arguments,
            reports=True,
            stopped="--resume goes on after the last epoch that it finished.",
        ),
        "evaluate": Verb(
            "Measures a run with its best and with its last weights, on the test data of its data configuration (or on "
            "what\nwas held out for validation, if there are none), beside the baselines that it names.",
            "The stored configurations are executed.",
            "zoo.runs.evaluation.evaluate",
            _evaluate_arguments,
        ),
        "show": Verb(
            "Draws the learning curves of one run, or of several over each other, and prints where the picture is.",
            "",
            "zoo.runs.curves.show",
            _show_arguments,
        ),
    },
)
