"""How well a fixed-point graph does what the float graph does: signal to noise, and the greatest error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from compiler.calibration import Held
from compiler.ir import interpreter, numerics
from compiler.ir.graph import Graph

NOISE_SAMPLES = 4096
RECURRENT_SAMPLES = 256  # a recurrent graph takes as long for a sample as others for hundreds
CONTROL_SAMPLES = 512  # for which a control stands still meanwhile
LEAST_FRAMES, NOISE_MACS = 4, 1 << 26  # of noise, where frames are computed
LONGEST_NOISE = 1 << 20  # samples of receptive field


def noise(graph: Graph, input_range: tuple[float, float]) -> list[Held]:
    """Uniform noise for each input, of which what comes past the receptive field counts; none if it would take long."""
    start = (graph.receptive_field or 0) if graph.mode == "stream" else 0
    if start > LONGEST_NOISE:
        return []
    steps = start + (RECURRENT_SAMPLES if graph.recurrent else NOISE_SAMPLES)
    if graph.mode == "frame":
        steps = max(LEAST_FRAMES, min(NOISE_SAMPLES, NOISE_MACS // max(1, graph.macs)))
    rng = np.random.default_rng(0)
    parts = [rng.uniform(*input_range, (steps, *value.shape)) for value in graph.inputs]
    pairs = zip(graph.inputs, parts, strict=True)
    return [Held([_standing(x) if value.name in graph.controls else x for value, x in pairs], start)]


class Accuracy(NamedTuple):
    """How well a fixed-point graph does.

    Args:
        snr_db: Decibels of power over all channels, of the output that has fewest; None where there is no error or no
            signal.
        peak_error: The greatest error of any output; None where nothing was run.
    """

    snr_db: float | None
    peak_error: float | None


class Ideal:
    """What a float graph makes of data, for fixed-point graphs to be held against.

    Args:
        graph: In floating point.
        held: The data, of which what is behind each start counts.
    """

    def __init__(self, graph: Graph, held: Sequence[Held]) -> None:
        self.held = held
        wanted = {value.name for value in graph.outputs}
        every = [interpreter.evaluate(graph, one.inputs, wanted=wanted) for one in held]
        pairs = list(zip(every, held, strict=True))
        self.outputs = [[values[y.name][one.start :] for y in graph.outputs] for values, one in pairs]

    def against(self, graph: Graph) -> Accuracy:
        """The accuracy of a fixed-point graph with the same inputs and outputs."""
        signals, errors, peak = (np.zeros(len(graph.outputs)) for _ in range(3))
        wanted = {value.name for value in graph.outputs}
        for one, ideal in zip(self.held, self.outputs, strict=True):
            pairs = zip(graph.inputs, one.inputs, strict=True)
            ours = interpreter.evaluate(graph, [numerics.quantize(x, v.format) for v, x in pairs], wanted=wanted)
            for n, (real, value) in enumerate(zip(ideal, graph.outputs, strict=True)):
                off = numerics.dequantize(ours[value.name][one.start :], value.format) - real
                signals[n] += np.sum(real**2)
                errors[n] += np.sum(off**2)
                peak[n] = max(peak[n], np.max(np.abs(off), initial=0))
        both = (signals > 0) & (errors > 0)
        ratio = round(float(10 * np.log10(np.min(signals[both] / errors[both]))), 2) if both.any() else None
        return Accuracy(ratio, float(peak.max()) if self.held else None)


def _standing(x: np.ndarray) -> np.ndarray:
    """The same for a control: another value every so many samples."""
    return x[np.arange(len(x)) // CONTROL_SAMPLES * CONTROL_SAMPLES]
