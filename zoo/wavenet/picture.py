"""The picture of a training: four corners, target against network."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.drawing import GREY, INK, RULE, save, sheet, unframe
from zoo.wavenet.baselines import decibels
from zoo.wavenet.waves import SAMPLE_RATE, SHAPES, corner_waves

TARGET, OUTPUT = "#f2a65a", "#174a7c"


def corner_picture(
    path: Path,
    outputs: np.ndarray,
    *,
    frequency: float,
    receptive_field: int,
    title: str,
    scores: Mapping[str, float],
    periods: float = 3.0,
) -> None:
    """Writes the four corners as a PNG: the core behind, the target broad, the network's output thin on top.

    Args:
        path: file to write.
        outputs: what the network makes of `corner_waves(samples, frequency)`: (4, samples) or (4, samples, channels),
            of which the first channel is drawn.
        frequency: hertz, as given to `corner_waves`.
        receptive_field: samples at the start that are not drawn.
        title: one line for the head of the picture.
        scores: decibels on held-out waves, for each of `SHAPES`.
        periods: how many periods of the core to draw.
    """
    outputs = np.asarray(outputs).reshape(len(SHAPES), np.shape(outputs)[1], -1)[..., 0]
    inputs, targets = corner_waves(outputs.shape[1], frequency)
    period = SAMPLE_RATE / frequency
    first = int(np.ceil(np.ceil(receptive_field / period) * period))  # starts at phase 0
    shown = slice(first, first + int(periods * period) + 1)
    milliseconds = np.arange(outputs.shape[1])[shown] / SAMPLE_RATE * 1e3
    milliseconds -= milliseconds[0]

    figure = sheet(12.0, 6.75)
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for index, (name, axis) in enumerate(zip(SHAPES, axes.flat, strict=True)):
        here = decibels(outputs[index, shown] - targets[index, shown, 0], targets[index, shown, 0])
        axis.plot(milliseconds, inputs[index, shown, 0], color=GREY, linewidth=1.0, label="core")
        axis.plot(milliseconds, targets[index, shown, 0], color=TARGET, linewidth=4.5, alpha=0.75, label="target")
        axis.plot(milliseconds, outputs[index, shown], color=OUTPUT, linewidth=1.4, label="network")
        axis.set_title(name, loc="left", fontsize=13, fontweight="bold", color=INK)
        axis.set_title(
            f"error {here:.1f} dB here, {scores[name]:.1f} dB held out", loc="right", fontsize=9.5, color=INK
        )
        axis.set_ylim(-1.45, 1.45)
        axis.set_yticks([-1, 0, 1])
        axis.margins(x=0.0)
        axis.grid(axis="y", color=RULE, linewidth=0.8)
        unframe(axis)
    for axis in axes[-1]:
        axis.set_xlabel(f"milliseconds, core at {frequency:g} Hz", fontsize=9.5, color=INK)
    figure.suptitle(title, x=0.012, y=0.985, ha="left", va="top", fontsize=15, fontweight="bold", color=INK)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=3, frameon=False, fontsize=10.5, labelcolor=INK)
    figure.tight_layout(rect=(0.0, 0.0, 1.0, 0.995), h_pad=1.6, w_pad=2.0)
    save(figure, path)
