"""One finished training, measured as it is, with a temperature, and with a refitted last layer."""

import contextlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.archives import read_arrays, write_json
from zoo.calibration.figures import Figures
from zoo.calibration.scaling.last_layer import weights_of_last_dense
from zoo.calibration.scaling.refit import LastLayerRefit
from zoo.calibration.scaling.temperature import TemperatureScaling
from zoo.ood.classifier import Classifier
from zoo.ood.detectors.table import DETECTORS
from zoo.ood.evaluation import evaluate, fit_all
from zoo.ood.outputs import Outputs
from zoo.quiet import quiet_saving
from zoo.screen import Report, silent
from zoo.splits import Splits, pixels

Array = np.ndarray

PLAIN, SCALED, REFITTED = "plain", "temperature", "refit"
"""What is measured of a training: the network as it is, with its temperature, with its last layer refitted."""

MEASURED, LOGITS, CALIBRATED = "measured.json", "logits.npz", "calibrated.keras"

FITTED_TO = 10_000
"""Training images that detectors see: enough for them, and k-NN with all of them takes as long as a training."""

TEMPERATURE_FREE = ("odin", "mahalanobis", "knn")
"""Detectors that look at features only, or bring a temperature of their own."""


def measure(
    model: keras.Model,
    splits: Splits,
    folder: Path,
    *,
    refit: bool,
    detectors: Iterable[str] | None = None,
    report: Report = silent,
) -> dict[str, Figures]:
    """The figures of a training by what was done to it, out of its folder's files if they are of this very network.

    Writes measured.json, logits.npz (logits of every split by what was done and where, as "plain/test") and
    calibrated.keras, the network with its temperature.

    Args:
        model: the network.
        splits: the images.
        folder: of the training.
        refit: whether to refit the last layer too.
        detectors: names out of `zoo.ood.detectors.table.DETECTORS`; None for all.
        report: called with every line of progress.
    """
    names = list(DETECTORS if detectors is None else detectors)
    whose = [_checksum(model, splits), refit, sorted(names)]
    path = folder / MEASURED
    if path.is_file() and (folder / LOGITS).is_file() and (folder / CALIBRATED).is_file():
        # A damaged file, or one with other figures in it, is as good as none.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            held = json.loads(path.read_text())
            if held["whose"] == whose:
                return {name: Figures(**figures) for name, figures in held["figures"].items()}
    classifier = Classifier(model)
    images = {
        "validate": splits.validate.x,
        "calibrate": splits.calibrate.x,
        "test": splits.test.x,
        "hard": splits.hard,
        "easy": splits.easy,
    }
    plain = {name: classifier.outputs(pixels(x)) for name, x in images.items()}
    plain["train"] = classifier.outputs(pixels(splits.train.x[:FITTED_TO]))
    scaling = TemperatureScaling()
    temperature = scaling.fit_logits(plain["calibrate"].logits, splits.calibrate.y)
    scaled = {name: _scaled(outputs, temperature) for name, outputs in plain.items()}
    figures = {
        PLAIN: _figures(plain, splits, 1.0, names),
        SCALED: _figures(scaled, splits, temperature, [name for name in names if name not in TEMPERATURE_FREE]),
    }
    logits = {PLAIN: plain, SCALED: scaled}
    with quiet_saving():
        scaling.fit(model, pixels(splits.calibrate.x), splits.calibrate.y).save(folder / CALIBRATED)
    if refit:
        other = LastLayerRefit().fit(model, pixels(splits.calibrate.x), splits.calibrate.y)
        again = Classifier(other)
        kernel, bias = weights_of_last_dense(other)
        logits[REFITTED] = {
            name: replace(
                outputs,
                logits=(outputs.features.astype(np.float64) @ kernel + bias).astype(np.float32),
                kernel=kernel.astype(np.float32),
                bias=bias.astype(np.float32),
                logits_of=again.logits_of,
                log_softmax_gradient=again.log_softmax_gradient,
            )
            for name, outputs in plain.items()
        }
        figures[REFITTED] = _figures(logits[REFITTED], splits, None, names)
    np.savez(
        folder / LOGITS,
        **{f"{done}/{name}": one.logits for done, all_of_it in logits.items() for name, one in all_of_it.items()},
    )
    content = {"whose": whose, "figures": {name: one.as_json() for name, one in figures.items()}}
    write_json(path, content)
    report(f"measured {folder}: temperature {temperature:.3f}")
    return figures


def _figures(outputs: dict[str, Outputs], splits: Splits, temperature: float | None, detectors: list[str]) -> Figures:
    evaluation = None
    if detectors:
        fitted = fit_all(outputs["train"], splits.train.y[: len(outputs["train"])], detectors)
        evaluation = evaluate(fitted, outputs["test"], {kind: outputs[kind] for kind in ("hard", "easy")})
    return Figures.of(outputs["test"].logits, splits.test.y, temperature, evaluation)


def _scaled(outputs: Outputs, temperature: float) -> Outputs:
    """What the network with this temperature in its last layer says."""
    factor = np.float32(1 / temperature)
    return replace(outputs, logits=outputs.logits * factor, kernel=outputs.kernel * factor, bias=outputs.bias * factor)


def _checksum(model: keras.Model, splits: Splits) -> int:
    """Of the weights and the test images."""
    total = zlib.crc32(splits.test.x.tobytes())
    for weight in model.get_weights():
        total = zlib.crc32(np.ascontiguousarray(weight).tobytes(), total)
    return total


def read_logits(folder: Path) -> dict[str, Any]:
    """What `measure` left: logits (n, classes) by "plain/test" and so on."""
    return read_arrays(folder / LOGITS)
