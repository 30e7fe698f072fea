"""How well a fixed-point graph does what the float graph does: signal to noise, and the greatest error."""

from __future__ import annotations

from collections.abc import Sequence

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


def of_outputs(float_graph: Graph, fixed_graph: Graph, held: Sequence[Held]) -> tuple[float | None, float | None]:
    """How far the fixed-point output stands above its own error, and the greatest error.

    Returns:
        Decibels of power over all channels, of the output that has fewest, None where there is no error or no signal;
        and the greatest error of any output, None where nothing was run.
    """
    signals, errors, peak = (np.zeros(len(fixed_graph.outputs)) for _ in range(3))
    for one in held:
        ideal = interpreter.evaluate(float_graph, one.inputs)
        pairs = zip(fixed_graph.inputs, one.inputs, strict=True)
        ours = interpreter.evaluate(fixed_graph, [numerics.quantize(x, value.format) for value, x in pairs])
        for n, (exact, rounded) in enumerate(zip(float_graph.outputs, fixed_graph.outputs, strict=True)):
            real = ideal[exact.name][one.start :]
            off = numerics.dequantize(ours[rounded.name][one.start :], rounded.format) - real
            signals[n] += np.sum(real**2)
            errors[n] += np.sum(off**2)
            peak[n] = max(peak[n], np.max(np.abs(off), initial=0))
    both = (signals > 0) & (errors > 0)
    ratio = round(float(10 * np.log10(np.min(signals[both] / errors[both]))), 2) if both.any() else None
    return ratio, float(peak.max()) if held else None


def _standing(x: np.ndarray) -> np.ndarray:
    """The same for a control: another value every so many samples."""
    return x[np.arange(len(x)) // CONTROL_SAMPLES * CONTROL_SAMPLES]
