"""How good a network is on held-out waves, beside what polynomials and linear filters reach. Numpy only."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.tables import aligned
from zoo.wavenet.baselines import BASELINES, decibels, predict
from zoo.wavenet.batches import held_out_batches
from zoo.wavenet.waves import SHAPES, Layout

Scores = dict[str, float]
"""Decibels by shape; lower is better."""


def network_scores(model: Any, channels: Layout, receptive_field: int) -> Scores:
    """What a network of either Keras reaches.

    Args:
        model: what has `predict`, from (batch, samples, channels.inputs) to (batch, samples, 1 or more).
        channels: of its input.
        receptive_field: samples at the start of every wave that do not count.
    """
    inputs, targets = held_out_batches(channels).batch(0, 0)
    return by_shape(model.predict(inputs, verbose=0)[..., :1], targets, receptive_field)


def baseline_scores(receptive_field: int) -> dict[str, Scores]:
    """Every baseline on the network's held-out waves, fitted on as many others."""
    fit_in, fit_out = held_out_batches().batch(1, 0)
    test_in, test_out = held_out_batches().batch(0, 0)
    count = len(SHAPES)
    scores = {}
    for name, features in BASELINES.items():
        outputs = np.zeros_like(test_out)
        for index in range(count):
            fit = fit_in[index::count, :, 0], fit_out[index::count, :, 0]
            outputs[index::count, :, 0] = predict(features, fit, test_in[index::count, :, 0], receptive_field)
        scores[name] = by_shape(outputs, test_out, receptive_field)
    return scores


def by_shape(outputs: np.ndarray, targets: np.ndarray, receptive_field: int) -> Scores:
    """Decibels for each shape on a batch (waves, samples, 1) whose wave i has shape i modulo 4."""
    error, target = (outputs - targets)[:, receptive_field:], targets[:, receptive_field:]
    count = len(SHAPES)
    return {name: decibels(error[index::count], target[index::count]) for index, name in enumerate(SHAPES)}


def table(scores: Mapping[str, Scores]) -> str:
    """Rows of decibels as text, the best of each column marked with a star."""
    best = {name: min(row[name] for row in scores.values()) for name in SHAPES}
    head = ["error, dB", *(f"{name} " for name in SHAPES)]
    rows = [
        [row, *(f"{of[name]:.1f}{'*' if of[name] == best[name] else ' '}" for name in SHAPES)]
        for row, of in scores.items()
    ]
    return aligned([head, *rows], least=10, gap=0)
